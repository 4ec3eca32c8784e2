/** Which networks the whole cluster has, and how long a node's share of them is. */
import type { FileFinding, NodeFile, PerNodeLengths } from "../discovery/node_file.ts";
import { FAMILIES } from "../net/address.ts";
import { distinctPrefixes, equalPrefixSets, type Prefix, showPrefixes } from "../net/prefix.ts";

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

/** The networks of a cluster. */
export interface ClusterNetworks {
  /** IPv4 first; empty when nobody says. */
  readonly clusterCidrs: readonly Prefix[];
  readonly serviceCidrs: readonly Prefix[];
  /** Of the families that somebody says it for: settings before files, file by file. */
  readonly perNodeLengths: PerNodeLengths;
  /** One line for each kind, and for each file that says otherwise. */
  readonly reasons: readonly string[];
}

/**
 * Takes networks of pods, and those of services, from the strongest that names any: the settings,
 * then file by file. None is filled up from a weaker one, for the families of one cluster are
 * configured together.
 */
export function chooseClusterNetworks(facts: ClusterFacts): ClusterNetworks {
  const files = facts.files.flatMap((finding) => "says" in finding ? [finding] : []);
  const choose = (kind: Kind, setting: string, set: readonly Prefix[]) =>
    chooseOne(kind, [
      { origin: setting, cidrs: set },
      ...files.map(({ path, says }) => ({ origin: path, cidrs: says[kind] })),
    ]);
  const pods = choose("clusterCidrs", "network.podCIDR.base", facts.base);
  const services = choose("serviceCidrs", "network.serviceCIDR", facts.serviceCidr);
  const weakestFirst = [facts.perNode, ...files.map(({ says }) => says.perNodeLengths)].reverse();
  return {
    clusterCidrs: pods.cidrs,
    serviceCidrs: services.cidrs,
    perNodeLengths: weakestFirst.reduce((all, each) => ({ ...all, ...each }), {}),
    reasons: [...pods.reasons, ...services.reasons],
  };
}

type Kind = "clusterCidrs" & keyof NodeFile | "serviceCidrs" & keyof NodeFile;

const KIND_WORDS: Readonly<Record<Kind, string>> = {
  clusterCidrs: "cluster CIDR",
  serviceCidrs: "service CIDR",
};

interface Named {
  readonly origin: string;
  readonly cidrs: readonly Prefix[];
}

function chooseOne(kind: Kind, named: readonly Named[]): { cidrs: Prefix[]; reasons: string[] } {
  const word = KIND_WORDS[kind];
  const [first, ...others] = named.filter(({ cidrs }) => cidrs.length > 0);
  if (!first) return { cidrs: [], reasons: [`${word}: nobody names one`] };
  const differing = others.filter(({ cidrs }) => !equalPrefixSets(cidrs, first.cidrs));
  return {
    cidrs: FAMILIES.flatMap((family) =>
      distinctPrefixes(first.cidrs).filter(({ address }) => address.family === family)
    ),
    reasons: [
      `${word}: ${first.origin} says ${showPrefixes(first.cidrs)}: used`,
      ...differing.map(({ origin, cidrs }) =>
        `${word}: ${origin} says ${showPrefixes(cidrs)}: not used, ${first.origin} is stronger`
      ),
    ],
  };
}
