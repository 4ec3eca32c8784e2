/** What the daemon knows of its node at the moment: what is served, patched and told. */
import { equalPrefixSets, formatPrefix, type Prefix } from "../net/prefix.ts";
import type { ChosenPodCidr } from "../node/pod_cidr.ts";
import type { Counter } from "../store/counters.ts";
import type { Discovery } from "./discover.ts";
import type { MeshReport } from "./mesh/mesh_report.ts";
import type { NetworkUse } from "./store_use.ts";

/** Facts that the loops leave for each other; each is replaced as a whole. */
export interface NodeReport {
  /** Undefined before the first look. */
  discovery: Discovery | undefined;
  /** What was chosen last: pods have it, whatever is found today. */
  inUse: ChosenPodCidr | undefined;
  /** Since when the CIDRs are these, RFC 3339. */
  podCidrSince: string | undefined;
  /** Networks that pods of this node have, those of earlier too; undefined before the first look. */
  localCidrs: readonly Prefix[] | undefined;
  /** MTU of pods in bytes; undefined before the first look. */
  podMtuBytes: number | undefined;
  /** True when the network configuration is in its place. */
  isConfigured: boolean;
  /** What the last turn could not do, one text each. */
  failures: readonly string[];
  /** What others do to pods by the last turn, one text each. */
  warnings: readonly string[];
  /** What keeps us from following our object at the API server; undefined when nothing does. */
  kubeTrouble: string | undefined;
  /** What was mended, by kind. */
  readonly repairs: Map<string, number>;
  repairFailures: number;
  counters: readonly Counter[];
  networks: readonly NetworkUse[];
  /** True when the node takes part in a tailnet. */
  hasMesh: boolean;
  /** Undefined before the first look at the tailnet, and where there is none. */
  mesh: MeshReport | undefined;
}

/** A daemon that has seen nothing yet. */
export function emptyReport(): NodeReport {
  return {
    discovery: undefined,
    inUse: undefined,
    podCidrSince: undefined,
    localCidrs: undefined,
    podMtuBytes: undefined,
    isConfigured: false,
    failures: [],
    warnings: [],
    kubeTrouble: undefined,
    repairs: new Map(),
    repairFailures: 0,
    counters: [],
    networks: [],
    hasMesh: false,
    mesh: undefined,
  };
}

/** Why an ADD on this node cannot work: for the plugin's STATUS. */
export function localProblems({ discovery }: NodeReport): string[] {
  if (!discovery || discovery.chosen) return [];
  return [`no network for the pods of this node: ${discovery.reasons.join("; ")}`];
}

/** Why the node is not ready; none when it is. */
export function readinessReasons(report: NodeReport): string[] {
  const { discovery, isConfigured, failures } = report;
  if (!discovery) return ["the node has not been looked at yet"];
  return [
    ...localProblems(report),
    ...discovery.chosen && !isConfigured ? ["the network configuration is not in its place"] : [],
    ...failures,
    ...tailnetReasons(report),
  ];
}

/** What was seen before the pods had their network tells nothing of the routes to them. */
function tailnetReasons({ mesh, hasMesh, localCidrs }: NodeReport): readonly string[] {
  const isCurrent = mesh && (!localCidrs || equalPrefixSets(mesh.podCidrs, localCidrs));
  if (isCurrent) return mesh.reasons;
  return mesh || hasMesh ? ["mesh: the tailnet has not been looked at yet"] : [];
}

/** The node's networks with their source, as labels of a metric. */
export function podCidrLabels({ discovery }: NodeReport): { cidr: string; source: string }[] {
  const { chosen } = discovery ?? {};
  if (!chosen) return [];
  return chosen.cidrs.map((cidr) => ({ cidr: formatPrefix(cidr), source: chosen.source }));
}
