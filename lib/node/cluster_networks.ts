/** Which networks the whole cluster has, and how long a node's share of them is. */
import type { FileFinding, PerNodeLengths } from "../discovery/node_file.ts";
import type { Prefix } from "../net/prefix.ts";

/** What the settings and the files of the node say of the cluster. */
export interface ClusterFacts {
  /** Setting `network.podCIDR.base`; empty when it is not set. */
  readonly base: readonly Prefix[];
  /** Setting `network.serviceCIDR`; empty when it is not set. */
  readonly serviceCidr: readonly Prefix[];
  /** Setting `network.podCIDR.perNode`. */
  readonly perNode: PerNodeLengths;
  /** The strongest first. */
  readonly files: readonly FileFinding[];
}

/** The networks of a cluster, and who named each kind. */
export interface ClusterNetworks {
  readonly clusterCidrs: readonly Prefix[];
  readonly serviceCidrs: readonly Prefix[];
  readonly perNodeLengths: PerNodeLengths;
  /** One line for each kind that is known, and for each file that says otherwise. */
  readonly reasons: readonly string[];
}
