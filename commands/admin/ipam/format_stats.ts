import type { Screen } from "../screen.ts";
import { formatTable } from "../table.ts";
import type { PoolStats, Stats } from "./read_stats.ts";

/** What `stats` measured as a person reads it: the node, its pools, its counters. */
export function formatStats(
  { node, networks, pools, counters }: Stats,
  screen: Screen,
): string {
  const title = `Node ${node.node_name}: ${node.utilization_percent} % used, ` +
    `${node.allocated_ips} of ${formatCount(node.total_ips)} addresses, ` +
    `${node.cooling_ips} cooling, ${formatCount(node.available_ips)} free`;
  const unknown = networks.filter(({ cidr }) => cidr === "").map(({ network }) =>
    `Network ${network}: its ranges are not known before the next ADD`
  );
  return [
    [title, ...unknown].join("\n"),
    ...pools.length > 0 ? [formatTable(POOL_HEADINGS, pools.flatMap(poolRows), screen)] : [],
    ...counters.length > 0 ? [formatTable(COUNTER_HEADINGS, counters.map(counterRow), screen)] : [],
  ].join("\n\n");
}

const POOL_HEADINGS = [
  ...["NETWORK", "POOL", "RANGES", "TOTAL", "USED", "COOLING", "FREE", "USED %", "RESERVED"],
  ...["CLAIMED", "NEXT"],
];

/** A line for each range set. */
function poolRows({ network, name, range_sets }: PoolStats): string[][] {
  return range_sets.map((set) => [
    network,
    name,
    set.cidr,
    formatCount(set.total_ips),
    String(set.allocated_ips),
    String(set.cooling_ips),
    formatCount(set.available_ips),
    String(set.utilization_percent),
    formatCount(set.reserved_ips),
    String(set.claimed_ips),
    set.next_ip ?? "-",
  ]);
}

/** Counts of IPv6 addresses have more digits than anybody reads. */
function formatCount(count: number): string {
  return count < 1e9 ? String(count) : count.toExponential(1).replace("+", "");
}

const COUNTER_HEADINGS = ["COUNTER", "OF", "VALUE"];

function counterRow({ metric, labels, value }: Stats["counters"][number]): string[] {
  return [metric, labels.join(" ") || "-", String(value)];
}
