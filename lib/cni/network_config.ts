/** Standard input of a plugin call: the network configuration, SPEC.md section 3. */
import * as v from "valibot";
import { ConfigError } from "../errors.ts";
import { isObject, parseWith, showValue } from "../schema.ts";
import { hasNameAlphabet, MAX_NAME_BYTES } from "./environment.ts";
import type { NetworkConfig, ValidAttachment, Verb } from "./request.ts";
import { parseResult } from "./result_codec.ts";
import type { Result } from "./result.ts";
import { foldRuntimeConfig } from "./runtime_config.ts";
import type { SpecVersion } from "./version.ts";

/**
 * Largest configuration in bytes, so that a runaway writer cannot take the node's memory. Real ones
 * have a few KiB; a GC list of 40,000 attachments still fits.
 */
export const MAX_CONFIG_BYTES = 8 * 1024 * 1024;

/**
 * Standard input as an object.
 * @throws ConfigError when it is too large, no UTF-8, no JSON or no object.
 */
export function decodeConfig(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  if (bytes.length > MAX_CONFIG_BYTES) {
    throw decodeError(`it has more than ${MAX_CONFIG_BYTES} bytes`);
  }
  if (bytes.length === 0) throw decodeError("standard input is empty");
  let value: unknown;
  try {
    value = JSON.parse(new TextDecoder("utf-8", { fatal: true }).decode(bytes));
  } catch (error) {
    throw decodeError("standard input is no JSON text", error);
  }
  if (!isObject(value)) {
    throw decodeError(`an object wanted, got ${showValue(value)}`);
  }
  return value;
}

/**
 * The keys that every plugin has. A `prevResult` that cannot be read does not keep DEL from its
 * work: it counts as absent.
 * @param version `cniVersion`, already parsed.
 * @throws ConfigError that lists every key of a wrong type.
 */
export function parseNetworkConfig(
  raw: Readonly<Record<string, unknown>>,
  version: SpecVersion,
  verb: Verb,
): NetworkConfig {
  const name = parseNetworkName(raw.name);
  const fields = parseWith(RawNetworkConfig, raw, `network config "${name}"`);
  return {
    cniVersion: version,
    name,
    type: fields.type || undefined,
    raw,
    ipam: fields.ipam ?? undefined,
    runtimeConfig: foldRuntimeConfig(fields.runtimeConfig ?? {}),
    cniArgs: fields.args?.cni ?? {},
    prevResult: parsePrevResult(fields.prevResult, version, verb),
    validAttachments: validAttachments(fields["cni.dev/valid-attachments"]),
  };
}

/**
 * The result of the plugins before us, where a verb cannot do without it.
 * @throws ConfigError when there is none.
 */
export function requirePrevResult(config: NetworkConfig): Result {
  if (config.prevResult) return config.prevResult;
  throw new ConfigError(
    "invalid-config",
    `Cannot use network config "${config.name}": prevResult is missing; ` +
      `the plugin must be called with the result of ADD`,
  );
}

const object = v.custom<Record<string, unknown>>(isObject, "an object wanted");

const RawNetworkConfig = v.object({
  type: v.nullish(v.string()),
  ipam: v.nullish(object),
  runtimeConfig: v.nullish(object),
  args: v.nullish(v.pipe(object, v.object({ cni: v.nullish(object) }))),
  prevResult: v.optional(v.unknown()),
  "cni.dev/valid-attachments": v.nullish(
    v.array(v.object({ containerID: v.string(), ifname: v.string() })),
  ),
});

function parseNetworkName(name: unknown): string {
  if (name === undefined || name === null || name === "") {
    throw new ConfigError("invalid-config", "Cannot use network config: missing network name");
  }
  if (typeof name !== "string") throw nameError(name, "text wanted");
  if (!hasNameAlphabet(name)) {
    throw nameError(name, `letters, digits, _, . and - are allowed, a letter or digit first`);
  }
  if (name.length > MAX_NAME_BYTES) {
    throw nameError(name, `it has ${name.length} bytes, ${MAX_NAME_BYTES} are allowed`);
  }
  return name;
}

function parsePrevResult(raw: unknown, version: SpecVersion, verb: Verb): Result | undefined {
  if (raw === undefined || raw === null) return undefined;
  try {
    return parseResult(raw, "prevResult", version);
  } catch (error) {
    if (verb === "DEL") return undefined;
    throw error;
  }
}

function validAttachments(
  raw: v.InferOutput<typeof RawNetworkConfig>["cni.dev/valid-attachments"],
): ValidAttachment[] | undefined {
  return raw?.map(({ containerID, ifname }) => ({ containerId: containerID, ifname }));
}

function nameError(name: unknown, seen: string): ConfigError {
  return new ConfigError("invalid-config", `Cannot use network name ${showValue(name)}: ${seen}`);
}

function decodeError(seen: string, cause?: unknown): ConfigError {
  return new ConfigError("decode-failure", `Cannot decode network config: ${seen}`, { cause });
}
