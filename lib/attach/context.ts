import type { AttachmentKey } from "../attachment.ts";
import type { Environment } from "../cni/environment.ts";
import type { Request } from "../cni/request.ts";
import type { Node } from "./node.ts";
import { hostLinkName } from "../pod/identity.ts";
import type { PodIdentity } from "../pod/facts.ts";
import type { Moment } from "../store/resting.ts";

/** What attach and detach need of the process that calls them. */
export interface AttachContext {
  readonly node: Node;
  /** Folder of the locks, whose names tell which stores are in use, such as `/run/headcni`. */
  readonly runDirectory: string;
  /** Where libcni keeps the results of ADD, one file an attachment, such as `/var/lib/cni/results`. */
  readonly resultsDirectory: string;
  /** The command that starts this program, for work that needs another process. */
  readonly self: readonly string[];
  /** The environment of the call, for what names or overrules the subnet file. */
  readonly env: Environment;
  /** Store directory where no configuration names one: `HEADCNI_DATA_DIR`. */
  readonly dataDirectory: string | undefined;
  /** Accept our own namespace as a pod's: only tests want that. */
  readonly allowOwnNetns: boolean;
  /** Wall clock in milliseconds since 1970. */
  nowMs(): number;
  /** Milliseconds since the call began. */
  elapsedMs(): number;
  /** A number from 0 to below 1, another one each time. */
  random(): number;
}

/** Now, by a clock that nobody can set back. */
export function moment({ node }: AttachContext): Moment {
  return { bootId: node.bootId(), uptimeMs: node.uptimeMs() };
}

/** The attachment that a request is about. */
export function attachmentKey(request: Request): AttachmentKey {
  return {
    network: request.config.name,
    containerId: request.containerId,
    ifname: request.ifname,
  };
}

/** The attachment with its pod and the name of its host link. */
export function podIdentity(request: Request): PodIdentity {
  const key = attachmentKey(request);
  return { key, pod: request.pod, hostLink: hostLinkName(key) };
}
