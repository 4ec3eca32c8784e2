/** `headcni ipam stats`: how full the pools are. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { readStats } from "./read_stats.ts";
import { formatStats } from "./format_stats.ts";
import { print } from "../print.ts";
import { addVerb, type VerbOptions } from "./verb.ts";

const HELP = `
USED counts what pods hold, COOLING what was released and is not given again yet, RESERVED what no
pod gets of itself (reserved, excluded, gateways), CLAIMED reserved addresses that pods hold because
they asked for them. Nothing is listed but marks, so 60,000 leases take no longer than one.

JSON: {"node": {"total_ips", "allocated_ips", "available_ips", "utilization_percent", "node_name",
  "pod_cidr", "cooling_ips", "claimed_ips"}, "networks": [{"store", "network", "cidr", and counts}],
  "pools": [{"store", "network", "name", "cidr", "total_ips", "allocated_ips", "reserved_ips",
  "available_ips", "next_ip", "cooling_ips", "claimed_ips", "utilization_percent", "range_sets"}],
  "counters": [{"store", "metric", "labels", "value"}]}; numbers are exact up to 2^53, next_ip is
  null when the strategy is random or nothing is free, utilization is that of the fuller family

Examples:
  headcni ipam stats
  headcni ipam stats -o json | jq .node.utilization_percent`;

/** Adds the verb `stats`. */
export function addStats(ipam: Command, env: Environment): void {
  addVerb(ipam, "stats", "tell how full the pools are, and what was done since the store was made")
    .addHelpText("after", HELP)
    .action(async (options: VerbOptions) => {
      const stats = await readStats(options, env);
      await print(options.output, stats, (screen) => formatStats(stats, screen));
    });
}
