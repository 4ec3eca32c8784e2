/** What a node's CIDRs must not meet: each address of a pod must lead to the pod. */
import type { Prefix } from "../net/prefix.ts";

/** A route of the node that is not ours. */
export interface HostRoute {
  readonly destination: Prefix;
  readonly link: string | undefined;
  /** True when a router stands between: then only part of what it covers need exist. */
  readonly hasGateway: boolean;
}

/** The networks around the node's CIDRs. */
export interface Surroundings {
  readonly clusterCidrs: readonly Prefix[];
  readonly serviceCidrs: readonly Prefix[];
  readonly hostRoutes: readonly HostRoute[];
}

/** What is wrong with CIDRs: with `refused` pods could not be reached, with `warnings` some may not. */
export interface PodCidrVerdict {
  readonly refused: readonly string[];
  readonly warnings: readonly string[];
}
