/** What somebody gave for a setting, and what is wrong with it. */
import * as v from "valibot";
import { redact, REDACTED } from "../../redact.ts";
import { showValue, wantedText } from "../../schema.ts";
import type { Entry } from "./catalogue.ts";
import { path } from "./node_kinds.ts";
import { Secret } from "./secret.ts";
import type { Setting } from "./setting.ts";
import type { Origin } from "./settings.ts";

/** A value that its setting takes. */
export interface Given {
  readonly key: string;
  /** As it was written; a {@linkcode Secret} for a secret. */
  readonly raw: unknown;
  readonly origin: Origin;
}

/** Why a value, a key or a file cannot be used. No text has a secret in it. */
export interface Fault {
  /** `/etc/headcni/daemon.yaml:7`, `env POD_CIDR`, `flag --mtu`. */
  readonly where: string;
  /** The setting, or the unknown key. */
  readonly key?: string;
  readonly text: string;
}

/** Longest name that an error text repeats, in characters; longer ones are none of ours. */
const MAX_NAME_CHARACTERS = 80;

/** A key or flag as an error text repeats it. */
export function shortName(name: string): string {
  return name.length > MAX_NAME_CHARACTERS ? `${name.slice(0, MAX_NAME_CHARACTERS)}...` : name;
}

/** Names and indices that lead to a part of a value. */
export type Place = readonly (string | number)[];

/** What one source gives. */
export interface Layer {
  readonly given: readonly Given[];
  readonly faults: readonly Fault[];
  readonly warnings: readonly string[];
}

/** Why a setting does not take a value: one fault for each place in it. */
export function faultsOfValue(
  setting: Setting,
  raw: unknown,
): { readonly at: Place; readonly text: string }[] {
  const outcome = v.safeParse(setting.kind.schema, raw);
  if (outcome.success) return [];
  return outcome.issues.map((issue) => {
    const at = issue.path?.map(({ key }) => typeof key === "number" ? key : String(key)) ?? [];
    if (issue.expected === "never") {
      return { at, text: `there is no such key; ${setting.kind.wanted} wanted` };
    }
    const wanted = at.length === 0 ? `${setting.kind.wanted} wanted` : wantedText(issue);
    return { at, text: `${wanted}, got ${setting.isSecret ? REDACTED : showGiven(issue.input)}` };
  });
}

/**
 * Takes a text, of a variable or a flag, as the value of a setting.
 * @param isFileOfSecret the text names the file that holds the secret.
 */
export function giveText(
  { key, setting }: Entry,
  text: string,
  origin: Origin,
  isFileOfSecret: boolean,
): Layer {
  const raw = setting.isSecret ? secretOf(text, isFileOfSecret) : text;
  const where = formatOrigin(origin);
  if (raw === undefined) return faulty({ where, key, text: `${path.wanted} wanted` });
  const faults = faultsOfValue(setting, raw)
    .map(({ at, text }) => ({ where, key: formatPlace(key, at), text }));
  return { given: faults.length === 0 ? [{ key, raw, origin }] : [], faults, warnings: [] };
}

/** Secrets of plugins hide in the JSON of their configurations, where no name tells of them. */
function showGiven(value: unknown): string {
  return typeof value === "string" && value.trimStart().startsWith("{")
    ? "another text"
    : showValue(redact(value));
}

/** The secret of a text or of a file; undefined when the file's path is none. */
export function secretOf(text: string, isFile: boolean): Secret | undefined {
  if (!isFile) return Secret.ofText(text);
  return v.safeParse(path.schema, text).success ? Secret.inFile(text) : undefined;
}

/** A layer of nothing but a fault. */
export function faulty(fault: Fault): Layer {
  return { given: [], faults: [fault], warnings: [] };
}

/** Several layers as one. */
export function joinLayers(layers: readonly Layer[]): Layer {
  return {
    given: layers.flatMap(({ given }) => given),
    faults: layers.flatMap(({ faults }) => faults),
    warnings: layers.flatMap(({ warnings }) => warnings),
  };
}

/** `cniPlugins` and `[1, "config"]` as `cniPlugins[1].config`. */
export function formatPlace(key: string, at: Place): string {
  return key +
    at.map((part) => typeof part === "number" ? `[${part}]` : `.${part}`).join("");
}

/** `env POD_CIDR`, `flag --pod-cidr`, `/etc/headcni/daemon.yaml:7`, `default`. */
export function formatOrigin(origin: Origin): string {
  if (origin.from === "file") return `${origin.path}:${origin.line}`;
  if (origin.from === "env") return `env ${origin.name}`;
  return origin.from === "flag" ? `flag ${origin.name}` : "default";
}

/** A fault in one line. */
export function formatFault({ where, key, text }: Fault): string {
  return key === undefined ? `${where}: ${text}` : `${where}: ${key}: ${text}`;
}
