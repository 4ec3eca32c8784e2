/** Which CIDRs the pods of this node have now, by all that can be asked. */
import type { PodCidrFinding } from "../node/computed_pod_cidr.ts";
import { showPrefixes } from "../net/prefix.ts";
import { chooseClusterNetworks, type ClusterNetworks } from "../node/cluster_networks.ts";
import { checkPodCidr, type HostRoute, type PodCidrVerdict } from "../node/overlaps.ts";
import { choosePodCidr, type ChosenPodCidr } from "../node/pod_cidr.ts";
import type { Prefix } from "../net/prefix.ts";
import { readLastPodCidr, readPodCidrFiles } from "./pod_cidr_sources.ts";
import type { LoadedSettings } from "./settings/settings.ts";

/** What is known beside the settings and the files. */
export interface DiscoveryFacts {
  /** What the node's own paths are below. */
  readonly root: string;
  /** `NODE_POD_CIDR`. */
  readonly environment: string | undefined;
  /** What the API server says; undefined when it is not to be asked. */
  readonly apiServer: PodCidrFinding | undefined;
  /** Routes that are not ours. */
  readonly hostRoutes: readonly HostRoute[];
  /** What was chosen before, by this process. */
  readonly inUse: readonly Prefix[];
}

/** What was found. */
export interface Discovery {
  /** Undefined when there is none that may be used. */
  readonly chosen: ChosenPodCidr | undefined;
  readonly cluster: ClusterNetworks;
  readonly verdict: PodCidrVerdict;
  /** Why there is none, or what every source said. */
  readonly reasons: readonly string[];
}

const NODE_LOCAL = "network.podCIDR.nodeLocal";
const PER_NODE = "network.podCIDR.perNode";

/** Asks all sources, and judges what the strongest says; throws nothing. */
export function discoverPodCidrs(
  { settings, origins }: LoadedSettings,
  facts: DiscoveryFacts,
): Discovery {
  const { node, network, dataDir } = settings;
  const { nodeLocal, base, perNode, allowComputed } = network.podCIDR;
  const lastGood = readLastPodCidr(dataDir);
  const files = readPodCidrFiles(facts.root, node.name);
  const cluster = chooseClusterNetworks({
    base: base ?? [],
    serviceCidr: network.serviceCIDR ?? [],
    // Its default is weaker than the files, which may know the size that the cluster has.
    perNode: origins.get(PER_NODE)?.from === "default" ? {} : perNode,
    files,
  });
  // The settings know the variable, too, but as the weaker source that it is.
  const isVariable = origins.get(NODE_LOCAL)?.from === "env";
  const choice = choosePodCidr({
    nodeName: node.name,
    nodeLocal: isVariable ? [] : nodeLocal ?? [],
    environment: facts.environment,
    files,
    apiServer: facts.apiServer,
    lastGood,
    clusterCidrs: cluster.clusterCidrs,
    perNodeLengths: cluster.perNodeLengths,
    mayCompute: allowComputed === "hash",
    mayUseDefault: allowComputed === "default",
  });
  if ("missing" in choice) {
    const verdict = { refused: [], warnings: [] };
    return { chosen: undefined, cluster, verdict, reasons: choice.missing };
  }
  const { clusterCidrs, serviceCidrs } = cluster;
  const verdict = checkPodCidr(choice.cidrs, {
    clusterCidrs,
    serviceCidrs,
    hostRoutes: facts.hostRoutes,
    inUse: [...facts.inUse, ...(lastGood && "says" in lastGood ? lastGood.says.cidrs : [])],
  });
  const refused = [...verdict.refused, ...network.enableIPv6 ? [] : refuseIpv6Only(choice)];
  const isUsable = refused.length === 0;
  return {
    chosen: isUsable ? withFamilies(choice, network.enableIPv6) : undefined,
    cluster,
    verdict,
    reasons: isUsable ? choice.reasons : refused,
  };
}

function refuseIpv6Only({ cidrs, origin }: ChosenPodCidr): string[] {
  if (cidrs.some(({ address }) => address.family === 4)) return [];
  return [`${origin} says only ${showPrefixes(cidrs)}, and network.enableIPv6 is false`];
}

function withFamilies(choice: ChosenPodCidr, enableIpv6: boolean): ChosenPodCidr {
  if (enableIpv6) return choice;
  return { ...choice, cidrs: choice.cidrs.filter(({ address }) => address.family === 4) };
}
