/** `CNI_ARGS`: `K=V;K=V`, SPEC.md section 2 and CONVENTIONS.md. */
import type { PodReference } from "../attachment.ts";
import { byteLength } from "../byte_length.ts";
import { ConfigError } from "../errors.ts";

/** Keys that we or a plugin beside us read; any other needs `IgnoreUnknown`. */
const KNOWN_KEYS: ReadonlySet<string> = new Set([
  "IgnoreUnknown",
  "K8S_POD_NAMESPACE",
  "K8S_POD_NAME",
  "K8S_POD_UID",
  "K8S_POD_INFRA_CONTAINER_ID",
  "IP",
  "GATEWAY",
  "MAC",
]);

/** Keys that name a pod. */
const POD_KEYS: readonly string[] = ["K8S_POD_NAMESPACE", "K8S_POD_NAME", "K8S_POD_UID"];

/** Longest name of a pod in bytes, a subdomain of RFC 1123; namespaces and UIDs are shorter. */
const MAX_POD_NAME_BYTES = 253;

/**
 * Reads all pairs, known or not. Unless `strict`, malformed pairs and names of pods that are too
 * long are left out, and unknown keys are no fault.
 * @throws ConfigError for a pair without exactly one `=`, for a name of a pod that is too long, and
 * for keys that nobody knows unless `IgnoreUnknown` is `1` or `true` anywhere in the text
 * (containerd sends the pairs in any order).
 */
export function parseArgs(text: string, { strict }: { strict: boolean }): Map<string, string> {
  const args = new Map<string, string>();
  for (const pair of text === "" ? [] : text.split(";")) {
    const [key, value, ...rest] = pair.split("=");
    const isPair = key && value !== undefined && rest.length === 0;
    if (isPair && !isTooLong(key, value)) args.set(key, value);
    else if (strict) throw isPair ? lengthError(key, value) : pairError(text, pair);
  }
  const unknown = [...args.keys()].filter((key) => !KNOWN_KEYS.has(key));
  if (strict && unknown.length > 0 && !isYes(args.get("IgnoreUnknown"))) {
    throw argsError(text, `unknown keys ${unknown.join(", ")} without IgnoreUnknown=1`);
  }
  return args;
}

/** True for `1` and `true` in either case, as switches of `CNI_ARGS` and of the environment are on. */
export function isYes(value: string | undefined): boolean {
  return /^(1|true)$/i.test(value ?? "");
}

/** The pod that the arguments name; empty values count as absent. */
export function podReference(args: ReadonlyMap<string, string>): PodReference {
  const namespace = args.get("K8S_POD_NAMESPACE");
  const name = args.get("K8S_POD_NAME");
  const uid = args.get("K8S_POD_UID");
  return { ...namespace && { namespace }, ...name && { name }, ...uid && { uid } };
}

function isTooLong(key: string, value: string): boolean {
  return POD_KEYS.includes(key) && byteLength(value) > MAX_POD_NAME_BYTES;
}

function lengthError(key: string, value: string): ConfigError {
  return new ConfigError(
    "invalid-environment",
    `Cannot use ${key} of CNI_ARGS: it has ${byteLength(value)} bytes, ` +
      `${MAX_POD_NAME_BYTES} are allowed`,
  );
}

function pairError(text: string, pair: string): ConfigError {
  return argsError(text, `"${pair}" is no pair of key and value with one "=" between them`);
}

function argsError(text: string, seen: string): ConfigError {
  return new ConfigError("invalid-environment", `Cannot parse CNI_ARGS "${text}": ${seen}`);
}
