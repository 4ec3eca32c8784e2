/** The environment of a plugin call: SPEC.md section 2, "Parameters". */
import type { PodReference } from "../attachment.ts";
import { ConfigError } from "../errors.ts";
import { linkNameFault } from "../net/link.ts";
import { parseArgs, podReference } from "./args.ts";
import type { Verb } from "./request.ts";

/** Environment variables by name, as the process got them. */
export type Environment = Readonly<Record<string, string | undefined>>;

/** The validated environment of one call; what the verb does not have is empty. */
export interface CallEnvironment {
  readonly containerId: string;
  readonly netns: string;
  readonly ifname: string;
  readonly argsText: string;
  readonly args: ReadonlyMap<string, string>;
  readonly pod: PodReference;
  readonly path: readonly string[];
}

/** Longest container id and network name in bytes: both name files, NAME_MAX of linux/limits.h. */
export const MAX_NAME_BYTES = 255;

/** Verbs that a runtime may send. */
const VERBS: readonly Verb[] = ["ADD", "DEL", "CHECK", "GC", "STATUS", "VERSION"];

/** Verbs that are about one attachment: they have a container, a namespace and an interface. */
const ATTACHMENT_VERBS: readonly Verb[] = ["ADD", "DEL", "CHECK"];

/** Variables that a verb cannot do without, in the order in which they are reported. */
const REQUIRED: Readonly<Record<Verb, readonly string[]>> = {
  ADD: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"],
  CHECK: ["CNI_CONTAINERID", "CNI_NETNS", "CNI_IFNAME", "CNI_PATH"],
  DEL: ["CNI_CONTAINERID", "CNI_IFNAME", "CNI_PATH"],
  GC: ["CNI_PATH"],
  STATUS: [],
  VERSION: [],
};

/**
 * Reads `CNI_COMMAND`.
 * @throws ConfigError for a command that no specification names.
 */
export function parseVerb(command: string): Verb {
  const verb = VERBS.find((known) => known === command);
  if (verb) return verb;
  throw new ConfigError("invalid-environment", `unknown CNI_COMMAND: ${command}`, {
    details: `known commands are ${VERBS.join(", ")}`,
  });
}

/**
 * Reads what a verb has of the environment. The error texts are those of the reference library,
 * which callers compare.
 * @throws ConfigError that names all missing variables at once, or the malformed one.
 */
export function parseEnvironment(env: Environment, verb: Verb): CallEnvironment {
  const missing = REQUIRED[verb].filter((name) => !env[name]);
  if (missing.length > 0) {
    throw environmentError(`required env variables [${missing.join(",")}] missing`);
  }
  const path = splitPath(env.CNI_PATH);
  const argsText = env.CNI_ARGS ?? "";
  // What ADD refused is not there to be deleted: only ADD and CHECK judge the arguments.
  const args = parseArgs(argsText, { strict: verb === "ADD" || verb === "CHECK" });
  const common = { argsText, args, pod: podReference(args), path };
  if (!ATTACHMENT_VERBS.includes(verb)) {
    return { ...common, containerId: "", netns: "", ifname: "" };
  }
  return {
    ...common,
    containerId: parseContainerId(env.CNI_CONTAINERID ?? ""),
    netns: env.CNI_NETNS ?? "",
    ifname: parseIfname(env.CNI_IFNAME ?? ""),
  };
}

/** The directories of `CNI_PATH`. */
export function splitPath(text = ""): string[] {
  return text.split(":").filter((directory) => directory !== "");
}

/** True for a container id or network name of the allowed alphabet, whatever its length. */
export function hasNameAlphabet(text: string): boolean {
  return /^[a-zA-Z0-9][a-zA-Z0-9_.-]*$/.test(text);
}

function parseContainerId(id: string): string {
  if (!hasNameAlphabet(id)) throw environmentError("invalid characters in containerID", id);
  if (id.length > MAX_NAME_BYTES) {
    throw environmentError(
      "containerID is too long",
      `it has ${id.length} bytes, ${MAX_NAME_BYTES} are allowed`,
    );
  }
  return id;
}

function parseIfname(name: string): string {
  const fault = linkNameFault(name);
  if (fault) throw environmentError(`interface name ${fault}`, name);
  return name;
}

function environmentError(message: string, details?: string): ConfigError {
  return new ConfigError("invalid-environment", message, details ? { details } : {});
}
