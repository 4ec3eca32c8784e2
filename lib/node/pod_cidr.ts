/** Which CIDRs the pods of this node get, and by whose word. */
import type { FileFinding, PerNodeLengths } from "../discovery/node_file.ts";
import type { Prefix } from "../net/prefix.ts";

/** Who named a CIDR, the strongest first. */
export type PodCidrSource =
  | "config"
  | "environment"
  | "file"
  | "api-server"
  | "last-good"
  | "computed"
  | "default";

/** What a source says, or why it says nothing. */
export type PodCidrFinding = { readonly cidrs: readonly Prefix[] } | { readonly fault: string };

/** All that is known when the choice is made. */
export interface PodCidrFacts {
  readonly nodeName: string;
  /** Setting `network.podCIDR.nodeLocal`. */
  readonly nodeLocal: readonly Prefix[];
  /** `NODE_POD_CIDR` as it is written. */
  readonly environment: string | undefined;
  /** Files that are there, the strongest first. */
  readonly files: readonly FileFinding[];
  /** `node.spec.podCIDRs`; undefined when the API server may not be asked. */
  readonly apiServer: PodCidrFinding | undefined;
  /** What an earlier run of the daemon used; undefined when there is nothing. */
  readonly lastGood: PodCidrFinding | undefined;
  /** Of the whole cluster, as `chooseClusterNetworks` answers them. */
  readonly clusterCidrs: readonly Prefix[];
  readonly perNodeLengths: PerNodeLengths;
  /** Opt-in: two nodes may get the same. */
  readonly mayCompute: boolean;
  /** Opt-in: every node without a better source gets the same. */
  readonly mayUseDefault: boolean;
}

/** The CIDRs of a node. */
export interface ChosenPodCidr {
  /** One a family, IPv4 first, without host bits. */
  readonly cidrs: readonly Prefix[];
  readonly source: PodCidrSource;
  /** Where exactly: the name of a setting or variable, or the path of a file. */
  readonly origin: string;
  /** True when somebody gave them to this node; false when they were computed, or the default. */
  readonly isNodeLocal: boolean;
  /** What every source said, the strongest first. */
  readonly reasons: readonly string[];
}

/** No source has CIDRs: what each said instead. */
export interface MissingPodCidr {
  readonly missing: readonly string[];
}
