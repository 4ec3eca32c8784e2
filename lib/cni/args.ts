/** `CNI_ARGS`: `K=V;K=V`, SPEC.md section 2 and CONVENTIONS.md. */
import type { PodReference } from "../attachment.ts";
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

/**
 * Reads all pairs, known or not. Unless `strict`, malformed pairs are left out and unknown keys
 * are no fault.
 * @throws ConfigError for a pair without exactly one `=`, and for keys that nobody knows unless
 * `IgnoreUnknown` is `1` or `true` anywhere in the text (containerd sends the pairs in any order).
 */
export function parseArgs(text: string, { strict }: { strict: boolean }): Map<string, string> {
  const args = new Map<string, string>();
  for (const pair of text === "" ? [] : text.split(";")) {
    const [key, value, ...rest] = pair.split("=");
    if (key && value !== undefined && rest.length === 0) args.set(key, value);
    else if (strict) {
      throw argsError(text, `"${pair}" is no pair of key and value with one "=" between them`);
    }
  }
  const unknown = [...args.keys()].filter((key) => !KNOWN_KEYS.has(key));
  if (strict && unknown.length > 0 && !ignoresUnknown(args)) {
    throw argsError(text, `unknown keys ${unknown.join(", ")} without IgnoreUnknown=1`);
  }
  return args;
}

/** The pod that the arguments name; empty values count as absent. */
export function podReference(args: ReadonlyMap<string, string>): PodReference {
  const namespace = args.get("K8S_POD_NAMESPACE");
  const name = args.get("K8S_POD_NAME");
  const uid = args.get("K8S_POD_UID");
  return { ...namespace && { namespace }, ...name && { name }, ...uid && { uid } };
}

function ignoresUnknown(args: ReadonlyMap<string, string>): boolean {
  return /^(1|true)$/i.test(args.get("IgnoreUnknown") ?? "");
}

function argsError(text: string, seen: string): ConfigError {
  return new ConfigError("invalid-environment", `Cannot parse CNI_ARGS "${text}": ${seen}`);
}
