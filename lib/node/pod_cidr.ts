/**
 * Which CIDRs the pods of this node get, and by whose word. The strongest source that names any
 * CIDR names all: a family that it does not name is not taken from a weaker one, for two sources
 * that disagree on one family may speak of two clusters. What the weaker ones say is in the reasons.
 */
import { type FileFinding, onePerFamily, type PerNodeLengths } from "../discovery/node_file.ts";
import { ConfigError, errorText } from "../errors.ts";
import {
  containsPrefix,
  equalPrefixSets,
  networkOf,
  parsePrefix,
  type Prefix,
  showPrefixes,
  tryParsePrefix,
} from "../net/prefix.ts";
import { showValue } from "../schema.ts";
import { computePodCidrs, firstPodCidrs, type PodCidrFinding } from "./computed_pod_cidr.ts";
import type { LastPodCidr } from "./last_pod_cidr.ts";
import { outsideOf } from "./overlaps.ts";

/** Who named a CIDR, the strongest first. */
export type PodCidrSource =
  | "config"
  | "environment"
  | "file"
  | "api-server"
  | "last-good"
  | "computed"
  | "default";

/** All that is known when the choice is made. */
export interface PodCidrFacts {
  readonly nodeName: string;
  /** Setting `network.podCIDR.nodeLocal`; empty when it is not set. */
  readonly nodeLocal: readonly Prefix[];
  /** `NODE_POD_CIDR` as it is written. */
  readonly environment: string | undefined;
  /** Files that are there, the strongest first. */
  readonly files: readonly FileFinding[];
  /** `node.spec.podCIDRs`; undefined when the API server may not be asked. */
  readonly apiServer: PodCidrFinding | undefined;
  /** What an earlier run of the daemon used; undefined when there is nothing. */
  readonly lastGood: { readonly says: LastPodCidr } | { readonly fault: string } | undefined;
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
  /** Where exactly: a setting, a variable, the path of a file. */
  readonly origin: string;
  /** True when somebody gave them to this node; false when they were computed, or the default. */
  readonly isNodeLocal: boolean;
  /** What every source says, the strongest first. */
  readonly reasons: readonly string[];
}

/** No source has CIDRs: what each says instead, the strongest first. */
export interface MissingPodCidr {
  readonly missing: readonly string[];
}

/** Takes the CIDRs of the strongest source that has any. */
export function choosePodCidr(facts: PodCidrFacts): ChosenPodCidr | MissingPodCidr {
  const candidates = SOURCES.flatMap(([source, ask]) =>
    ask(facts).map(({ origin, finding }) => ({ source, origin, finding: checked(finding) }))
  );
  const winner = candidates.find(({ finding }) => "cidrs" in finding);
  const reasons = candidates.map((each) => describe(each, winner));
  if (!winner || "fault" in winner.finding) return { missing: reasons };
  const { source, origin, finding: { cidrs } } = winner;
  const isNodeLocal = source !== "computed" && source !== "default";
  return { cidrs, source, origin, isNodeLocal, reasons };
}

/** What one source says. */
interface Answer {
  readonly origin: string;
  readonly finding: PodCidrFinding;
}

interface Candidate extends Answer {
  readonly source: PodCidrSource;
}

/** The default of the older system where no cluster's CIDR is known. It is the same on every node. */
const DEFAULT_POD_CIDR: Prefix = parsePrefix("10.244.0.0/24");

/** The strongest first: the order of the design. */
const SOURCES: readonly (readonly [PodCidrSource, (facts: PodCidrFacts) => Answer[]])[] = [
  ["config", ({ nodeLocal }) => [
    {
      origin: "network.podCIDR.nodeLocal",
      finding: nodeLocal.length > 0 ? { cidrs: nodeLocal } : { fault: "not set" },
    },
  ]],
  ["environment", ({ environment }) => [
    { origin: "NODE_POD_CIDR", finding: readVariable(environment) },
  ]],
  ["file", askFiles],
  ["api-server", ({ apiServer }) => [
    { origin: "API server", finding: apiServer ?? { fault: "not to be asked" } },
  ]],
  ["last-good", (facts) => [{ origin: "last good value", finding: askLastGood(facts) }]],
  ["computed", ({ nodeName, clusterCidrs, perNodeLengths, mayCompute }) => [
    {
      origin: "hash of the node's name",
      finding: mayCompute
        ? computePodCidrs(nodeName, clusterCidrs, perNodeLengths)
        : { fault: "not allowed: two nodes may get the same" },
    },
  ]],
  ["default", ({ clusterCidrs, perNodeLengths, mayUseDefault }) => [
    {
      origin: "default",
      finding: mayUseDefault
        ? clusterCidrs.length > 0
          ? firstPodCidrs(clusterCidrs, perNodeLengths)
          : { cidrs: [DEFAULT_POD_CIDR] }
        : { fault: "not allowed: every node would get the same" },
    },
  ]],
];

function readVariable(text = ""): PodCidrFinding {
  const words = text.split(",").map((word) => word.trim()).filter((word) => word !== "");
  const odd = words.find((word) => tryParsePrefix(word) === undefined);
  if (odd !== undefined) return { fault: `an IP prefix wanted, got ${showValue(odd)}` };
  if (words.length === 0) return { fault: "not set" };
  return { cidrs: words.flatMap((word) => tryParsePrefix(word) ?? []) };
}

function askFiles({ files, clusterCidrs }: PodCidrFacts): Answer[] {
  if (files.length === 0) {
    return [{
      origin: "local files",
      finding: { fault: "none of k3s, kubelet or kubeadm is there" },
    }];
  }
  const ofCluster = [
    ...clusterCidrs,
    ...files.flatMap((file) => "says" in file ? file.says.clusterCidrs : []),
  ];
  return files.map((file) => ({
    origin: file.path,
    finding: "fault" in file ? { fault: file.fault } : askFile(file.says, ofCluster),
  }));
}

/** Templates of kubelet's configuration often have the cluster's CIDR where a node's belongs. */
function askFile(
  { nodeCidrs, clusterCidrs }: { nodeCidrs: readonly Prefix[]; clusterCidrs: readonly Prefix[] },
  ofCluster: readonly Prefix[],
): PodCidrFinding {
  const whole = nodeCidrs.filter((cidr) => ofCluster.some((all) => containsPrefix(cidr, all)));
  if (whole.length > 0) {
    return { fault: `says ${showPrefixes(whole)}, which is the whole cluster's` };
  }
  if (nodeCidrs.length > 0) return { cidrs: nodeCidrs };
  return {
    fault: clusterCidrs.length > 0
      ? `says nothing of this node, only of the whole cluster: ${showPrefixes(clusterCidrs)}`
      : "says nothing of this node",
  };
}

/** Not for a copy of another node's disk, nor for a cluster that was made anew. */
function askLastGood({ lastGood, nodeName, clusterCidrs }: PodCidrFacts): PodCidrFinding {
  if (!lastGood) return { fault: "there is none" };
  if ("fault" in lastGood) return lastGood;
  const { says } = lastGood;
  if (says.nodeName !== nodeName) return { fault: `it is of the node "${says.nodeName}"` };
  const outside = outsideOf(clusterCidrs, says.cidrs);
  return outside.length === 0 ? { cidrs: says.cidrs } : {
    fault: `${showPrefixes(outside)} is outside of the cluster's ${showPrefixes(clusterCidrs)}`,
  };
}

function checked(finding: PodCidrFinding): PodCidrFinding {
  if ("fault" in finding) return finding;
  if (finding.cidrs.length === 0) return { fault: "names none" };
  try {
    return { cidrs: onePerFamily(finding.cidrs.map(networkOf)) };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { fault: errorText(error) };
  }
}

function describe({ origin, finding }: Candidate, winner: Candidate | undefined): string {
  if ("fault" in finding) return `${origin}: ${finding.fault}`;
  const says = `${origin}: says ${showPrefixes(finding.cidrs)}`;
  if (!winner || "fault" in winner.finding || origin === winner.origin) return `${says}: used`;
  const { cidrs } = winner.finding;
  return equalPrefixSets(cidrs, finding.cidrs)
    ? `${says}, too`
    : `${says}: not used, ${winner.origin} is stronger`;
}
