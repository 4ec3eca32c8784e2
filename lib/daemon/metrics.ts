/**
 * The metrics of a node. Counters of plugin calls come from the stores, so that they survive every
 * restart; the names that begin with `tailscale_cni_` are those of the older system.
 */
import { DURATION_BOUNDS_MS, DURATION_COUNTERS, UNBOUNDED } from "../attach/durations.ts";
import type { Counter } from "../store/counters.ts";
import { VERSION } from "../version.ts";
import {
  counter,
  gauge,
  histogramSamples,
  type Labels,
  type MetricFamily,
  type Sample,
} from "./exposition.ts";
import type { LoopStatus } from "./loop.ts";
import { isConnected, type MeshReport } from "./mesh/mesh_report.ts";
import { meshFamilies } from "./mesh_metrics.ts";
import type { NetworkUse } from "./store_use.ts";

/** What was seen of a node. */
export interface NodeSnapshot {
  /** Of all stores, each of its labels once. */
  readonly counters: readonly Counter[];
  readonly networks: readonly NetworkUse[];
  readonly loops: readonly LoopStatus[];
  /** Prefixes of this node's pods, each with where it was found, and since when it has been so. */
  readonly podCidrs: readonly { readonly cidr: string; readonly source: string }[];
  readonly podCidrAgeSeconds: number | undefined;
  /** What was repaired so far, by kind. */
  readonly repairs: ReadonlyMap<string, number>;
  readonly repairFailures: number;
  /** Components of the older system's health metric: 1 well, 0 not. */
  readonly health: Readonly<Record<string, boolean>>;
  /** Undefined where there is no tailnet, and before the first look. */
  readonly mesh: MeshReport | undefined;
}

/** All families of a node. */
export function nodeFamilies(node: NodeSnapshot): MetricFamily[] {
  return [
    ...addressFamilies(node),
    ...upkeepFamilies(node),
    ...meshFamilies(node.mesh),
    ...olderFamilies(node),
  ];
}

function addressFamilies({ counters, networks }: NodeSnapshot): MetricFamily[] {
  const total = (metric: string, ...names: string[]): Sample[] =>
    counters.filter((counter) => counter.metric === metric)
      .map(({ labels, value }) => ({ labels: named(names, labels), value: Number(value) }));
  return [
    counter(
      "headcni_ip_allocations_total",
      "Addresses given to pods, one for each lease",
      total("allocations", "network", "pool"),
    ),
    counter(
      "headcni_ip_releases_total",
      "Leases given back",
      total("releases", "network", "pool"),
    ),
    counter(
      "headcni_network_errors_total",
      "ADDs that failed, by the reason of their error",
      total("errors", "network", "cause"),
    ),
    counter(
      "headcni_leases_reclaimed_total",
      "Leases of pods that were proven dead",
      total("reclaimed", "network"),
    ),
    counter(
      "headcni_leases_restored_total",
      "Leases that a store made anew got from its witnesses",
      total("restored", "network"),
    ),
    {
      name: "headcni_pod_network_setup_duration_seconds",
      help: "How long ADDs that succeeded took",
      type: "histogram",
      samples: durationSamples(counters),
    },
    gauge(
      "headcni_leases",
      "Leases at the last look",
      networks.map(({ network, leases }) => ({ labels: { network }, value: leases })),
    ),
    gauge(
      "headcni_lease_capacity",
      "Leases that the addresses of a network on this node suffice for",
      networks.flatMap(({ network, capacity }) =>
        capacity === undefined ? [] : [{ labels: { network }, value: capacity }]
      ),
    ),
  ];
}

function upkeepFamilies(node: NodeSnapshot): MetricFamily[] {
  const { loops, podCidrs, podCidrAgeSeconds, repairs, repairFailures } = node;
  const perLoop = (value: (loop: LoopStatus) => number | undefined): Sample[] =>
    loops.flatMap((loop) => {
      const known = value(loop);
      return known === undefined ? [] : [{ labels: { loop: loop.name }, value: known }];
    });
  return [
    gauge("headcni_build_info", "The release that runs", [{
      labels: { version: VERSION },
      value: 1,
    }]),
    gauge(
      "headcni_pod_cidr_info",
      "Prefixes of this node's pods, and where they were found",
      podCidrs.map((labels) => ({ labels: { ...labels }, value: 1 })),
    ),
    gauge(
      "headcni_pod_cidr_age_seconds",
      "Since when they have been so",
      podCidrAgeSeconds === undefined ? [] : [{ labels: {}, value: podCidrAgeSeconds }],
    ),
    counter("headcni_loop_turns_total", "Turns of the daemon's loops", perLoop((l) => l.turns)),
    counter(
      "headcni_loop_failures_total",
      "Turns that failed",
      perLoop((loop) => loop.failures),
    ),
    gauge(
      "headcni_loop_last_turn_timestamp_seconds",
      "When the last turn ended",
      perLoop(({ turnedMs }) => turnedMs === undefined ? undefined : turnedMs / 1000),
    ),
    gauge(
      "headcni_loop_last_turn_duration_seconds",
      "How long the last turn took",
      perLoop(({ tookMs }) => tookMs === undefined ? undefined : tookMs / 1000),
    ),
    counter(
      "headcni_repairs_total",
      "What was found otherwise than it must be, and mended",
      Array.from(repairs, ([kind, value]) => ({ labels: { kind }, value })),
    ),
    counter(
      "headcni_repair_failures_total",
      "What could not be mended",
      [{ labels: {}, value: repairFailures }],
    ),
  ];
}

/** The eight of the older system, which it never filled. */
function olderFamilies({ counters, networks, health, mesh }: NodeSnapshot): MetricFamily[] {
  const adds = { operation: "add", result: "success" };
  const status = mesh?.sight.status;
  const sumOf = (metric: string) =>
    counters.filter((each) => each.metric === metric)
      .reduce((sum, { value }) => sum + Number(value), 0);
  const leasesOf = (networks: readonly NetworkUse[]) =>
    networks.reduce((sum, { leases }) => sum + leases, 0);
  const measured = networks.filter(({ capacity }) => capacity !== undefined);
  const capacity = measured.reduce((sum, { capacity = 0 }) => sum + capacity, 0);
  return [
    {
      name: "tailscale_cni_operation_duration_seconds",
      help: "How long operations of the plugin took",
      type: "histogram",
      samples: durationSamples(counters, adds),
    },
    counter("tailscale_cni_operations_total", "Operations of the plugin", [
      { labels: adds, value: sumOf(DURATION_COUNTERS.buckets) },
      { labels: { operation: "add", result: "error" }, value: sumOf("errors") },
      { labels: { operation: "del", result: "success" }, value: sumOf("releases") },
    ]),
    gauge("tailscale_cni_ipam_allocated_ips", "Leases at the last look", [{
      labels: {},
      value: leasesOf(networks),
    }]),
    gauge(
      "tailscale_cni_ipam_pool_utilization_percent",
      "Leases, in percent of those that there are addresses for",
      capacity === 0 ? [] : [{ labels: {}, value: leasesOf(measured) / capacity * 100 }],
    ),
    gauge(
      "tailscale_cni_connection_status",
      "Whether tailscaled is connected",
      mesh ? [{ labels: {}, value: Number(isConnected(mesh)) }] : [],
    ),
    {
      name: "tailscale_cni_peer_count",
      help: "Peers that tailscaled knows",
      type: "untyped", // a gauge, but that ending is of histograms: promtool takes no gauge of that name
      samples: status ? [{ labels: {}, value: status.peers.length }] : [],
    },
    gauge(
      "tailscale_cni_system_health_status",
      "Whether a component is well",
      Object.entries(health).map(([component, isWell]) => ({
        labels: { component },
        value: Number(isWell),
      })),
    ),
    counter(
      "tailscale_cni_errors_total",
      "ADDs that failed, by kind",
      olderErrors(counters),
    ),
  ];
}

/** Reasons of ours by the word of the older system. */
const OLDER_ERROR_TYPES: Readonly<Record<string, string>> = {
  "kernel-failure": "network",
  "firewall-failure": "network",
  "invalid-netns": "network",
  "try-again": "timeout",
  "invalid-config": "validation",
  "invalid-environment": "validation",
  "decode-failure": "validation",
  "incompatible-version": "validation",
  "unsupported-field": "validation",
};

function olderErrors(counters: readonly Counter[]): Sample[] {
  const counts = new Map<string, number>();
  for (const { metric, labels: [, cause = ""], value } of counters) {
    if (metric !== "errors") continue;
    const type = OLDER_ERROR_TYPES[cause] ?? "unknown";
    counts.set(type, (counts.get(type) ?? 0) + Number(value));
  }
  return Array.from(counts, ([error_type, value]) => ({
    labels: { component: "cni", error_type },
    value,
  }));
}

/**
 * The histogram of ADDs: of each network, or of all together under labels of one's own.
 */
function durationSamples(counters: readonly Counter[], labels?: Labels): Sample[] {
  const networks = [
    ...new Set(
      counters.filter(({ metric }) => metric === DURATION_COUNTERS.buckets)
        .map(({ labels: [network = ""] }) => network),
    ),
  ];
  const valueOf = (metric: string, ...wanted: string[]) =>
    counters.filter((counter) =>
      counter.metric === metric &&
      wanted.every((text, at) => text === "*" || counter.labels[at] === text)
    ).reduce((sum, { value }) => sum + Number(value), 0);
  const samplesOf = (network: string, own: Labels) =>
    histogramSamples(
      own,
      [...DURATION_BOUNDS_MS.map(String), UNBOUNDED].map((bound) => [
        bound === UNBOUNDED ? Infinity : Number(bound) / 1000,
        valueOf(DURATION_COUNTERS.buckets, network, bound),
      ]),
      valueOf(DURATION_COUNTERS.sum, network) / 1000,
    );
  if (labels) return networks.length === 0 ? [] : samplesOf("*", labels);
  return networks.flatMap((network) => samplesOf(network, { network }));
}

function named(names: readonly string[], values: readonly string[]): Labels {
  return Object.fromEntries(names.map((name, at) => [name, values[at] ?? ""]));
}
