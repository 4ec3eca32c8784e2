/** Everything that the daemon knows of its node, as JSON for its own commands. */
import { formatPrefix } from "../net/prefix.ts";
import { VERSION } from "../version.ts";
import { describeMesh } from "./mesh/mesh_report.ts";
import { localProblems, type NodeReport, readinessReasons } from "./report.ts";
import type { LoadedSettings } from "./settings/settings.ts";

/** What `/status` answers. */
export interface NodeStatus {
  readonly version: string;
  readonly pid: number;
  /** When this daemon started, RFC 3339. */
  readonly started: string;
  readonly node: string;
  readonly ready: boolean;
  /** Why it is not ready; none when it is. */
  readonly reasons: readonly string[];
  /** Why no pod can be attached; none when one can. */
  readonly problems: readonly string[];
  readonly podCidrs: readonly string[];
  readonly source: string | null;
  readonly origin: string | null;
  /** RFC 3339. */
  readonly since: string | null;
  /** What every source says. */
  readonly sources: readonly string[];
  readonly warnings: readonly string[];
  readonly clusterCidrs: readonly string[];
  readonly serviceCidrs: readonly string[];
  readonly repairs: Readonly<Record<string, number>>;
  readonly apiServer: string;
  /** Networks that pods of this node have, those of earlier too. */
  readonly localCidrs: readonly string[];
  /** MTU of pods in bytes. */
  readonly podMtu: number | null;
  /** What `describeMesh` tells; null where there is no tailnet, and before the first look. */
  readonly mesh: Readonly<Record<string, unknown>> | null;
}

/** The status by the last turn. */
export function nodeStatus({ settings }: LoadedSettings, report: NodeReport): NodeStatus {
  const { discovery, podCidrSince, kubeTrouble } = report;
  const { chosen, cluster, verdict } = discovery ?? {};
  const reasons = readinessReasons(report);
  return {
    version: VERSION,
    pid: Deno.pid,
    started: new Date(performance.timeOrigin).toISOString(),
    node: settings.node.name,
    ready: reasons.length === 0,
    reasons,
    problems: localProblems(report),
    podCidrs: chosen?.cidrs.map(formatPrefix) ?? [],
    source: chosen?.source ?? null,
    origin: chosen?.origin ?? null,
    since: podCidrSince ?? null,
    sources: discovery?.reasons ?? [],
    warnings: [...verdict?.warnings ?? [], ...report.warnings],
    clusterCidrs: cluster?.clusterCidrs.map(formatPrefix) ?? [],
    serviceCidrs: cluster?.serviceCidrs.map(formatPrefix) ?? [],
    repairs: Object.fromEntries(report.repairs),
    localCidrs: report.localCidrs?.map(formatPrefix) ?? [],
    podMtu: report.podMtuBytes ?? null,
    mesh: report.mesh ? describeMesh(report.mesh) : null,
    apiServer: settings.kube.access === "off" ? "off" : kubeTrouble ?? "ok",
  };
}
