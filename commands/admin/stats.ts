/** `headcni stats`: what the stores and the daemon of this node count, on one screen. */
import type { Command } from "commander";
import type { Environment } from "../../lib/cni/environment.ts";
import { outputOption, storeOption } from "./command_line.ts";
import { formatStats as formatAddressStats } from "./ipam/format_stats.ts";
import { type OutputFormat, print } from "./print.ts";
import { type NodeStats, readNodeStats, type ReadStatsOptions } from "./read_node_stats.ts";
import type { Screen } from "./screen.ts";
import { settingsOption } from "./settings.ts";
import { STORES_HELP } from "./stores.ts";
import { formatRows, formatTable } from "./table.ts";

/** What `headcni stats` is told. */
interface StatsOptions extends ReadStatsOptions {
  readonly output: OutputFormat;
}

const HELP = `
As "headcni ipam stats", and what is attached, host ports, what the daemon mended since it started, and
the tailnet. Counters of the stores outlive everything but the store, those of the daemon only itself.

JSON: as of "ipam stats", and "attachments": {"added", "adding", "leased"}, "ports": {"tcp", "udp",
  "sctp"}, "daemon": {"running", "trouble", "repairs": {kind: number}, "mesh": {metric: number}}; a lease
  that no plugin of ours attached is counted in "leased" alone

Examples:
  headcni stats
  headcni stats -o json | jq .daemon.repairs`;

/** Defines the subcommand. */
export function define(stats: Command, env: Environment): void {
  stats
    .addOption(storeOption(STORES_HELP))
    .addOption(settingsOption())
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action(async (options: StatsOptions) => {
      const value = await readNodeStats(options, env);
      await print(options.output, value, (screen) => formatNodeStats(value, screen));
    });
}

function formatNodeStats(stats: NodeStats, screen: Screen): string {
  const { attachments: { added, adding, leased }, ports, daemon } = stats;
  const unfinished = adding > 0 ? `, ${adding} not finished` : "";
  const rows = [
    ["attachments", `${added}${unfinished}, ${leased} with addresses alone`],
    ["host ports", countsText(ports)],
    ["mended", daemon.running ? countsText(daemon.repairs) : screen.warn(daemon.trouble ?? "")],
  ];
  const mesh = Object.entries(daemon.mesh).map(([metric, value]) => [metric, String(value)]);
  return [
    formatAddressStats(stats, screen),
    formatRows(rows, screen),
    ...mesh.length > 0 ? [formatTable(["MESH", "VALUE"], mesh, screen)] : [],
  ].join("\n\n");
}

function countsText(counts: Readonly<Record<string, number>>): string {
  const texts = Object.entries(counts).filter(([, count]) => count > 0)
    .map(([kind, count]) => `${count} ${kind}`);
  return texts.join(", ") || "none";
}
