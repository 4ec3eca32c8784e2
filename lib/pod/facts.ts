import type { AttachmentKey, PodReference } from "../attachment.ts";
import type { Link, LinkAddress } from "../net/link.ts";
import type { KernelRoute } from "../net/route.ts";

/** Who is attached, and under which name on the host. */
export interface PodIdentity {
  readonly key: AttachmentKey;
  readonly pod: PodReference;
  /** From `hostLinkName`. */
  readonly hostLink: string;
}

/** What was seen of the node before anything is changed. */
export interface NodeFacts {
  /** The configured bridge, when there is a link of that name. */
  readonly bridge: Link | undefined;
  /** Addresses of that bridge. */
  readonly bridgeAddresses: readonly LinkAddress[];
  /** True when pods are on the bridge or about to be; looked up only where an address must go. */
  readonly isBridgeInUse: boolean;
  /** Routes that the pod has already, for datapath `ptp`: those of its other links. */
  readonly podRoutes: readonly KernelRoute[];
  /** MTU of the link that the node's own traffic to the outside takes, when there is one. */
  readonly uplinkMtuBytes: number | undefined;
}
