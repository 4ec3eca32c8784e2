/** What a runtime asks of a plugin: environment and standard input, parsed. */
import type { PodReference } from "../attachment.ts";
import type { Result } from "./result.ts";
import type { SpecVersion } from "./version.ts";

/** `CNI_COMMAND`, SPEC.md section 2. */
export type Verb = "ADD" | "DEL" | "CHECK" | "GC" | "STATUS" | "VERSION";

/** One live attachment as a GC caller lists it: `cni.dev/valid-attachments`. */
export interface ValidAttachment {
  readonly containerId: string;
  readonly ifname: string;
}

/** The network configuration that came on standard input. Keys of plugins stay in `raw`. */
export interface NetworkConfig {
  readonly cniVersion: SpecVersion;
  /** Network name, validated; safe as a file name. */
  readonly name: string;
  readonly type: string | undefined;
  /** The whole object as sent. */
  readonly raw: Readonly<Record<string, unknown>>;
  /** The `ipam` object as sent. */
  readonly ipam: Readonly<Record<string, unknown>> | undefined;
  /** Capability values; keys at every depth folded to the spelling of CONVENTIONS.md. */
  readonly runtimeConfig: Readonly<Record<string, unknown>>;
  /** `args.cni`, CONVENTIONS.md. */
  readonly cniArgs: Readonly<Record<string, unknown>>;
  readonly prevResult: Result | undefined;
  /** Undefined when the caller sent no list, which is not the same as an empty one. */
  readonly validAttachments: readonly ValidAttachment[] | undefined;
}

/** One call of a plugin. Fields that a verb does not have are empty strings. */
export interface Request {
  readonly verb: Verb;
  readonly containerId: string;
  /** Path of the pod's network namespace; may be empty on DEL. */
  readonly netns: string;
  readonly ifname: string;
  /** `CNI_ARGS` as sent, for children. */
  readonly argsText: string;
  /** `CNI_ARGS` parsed: all keys, known or not. */
  readonly args: ReadonlyMap<string, string>;
  readonly pod: PodReference;
  /** Directories of `CNI_PATH`. */
  readonly path: readonly string[];
  readonly config: NetworkConfig;
}
