/** `headcni mesh status`: this node in its tailnet, on one screen. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import type { MeshExamination } from "../../../lib/daemon/mesh/examine.ts";
import { describeSight } from "../../../lib/daemon/mesh/mesh_report.ts";
import { formatPrefix } from "../../../lib/net/prefix.ts";
import { print } from "../print.ts";
import type { Screen } from "../screen.ts";
import { formatRows } from "../table.ts";
import { addVerb, examine, type MeshOptions } from "./verb.ts";

const HELP = `
Asks tailscaled, the kernel and, with an API key, Headscale; the daemon need not run. What keeps pods of
other nodes from being reached stands at the end, with what to do about it.

JSON: {"connected", "state", "trouble", "version", "controlServer", "addresses", "nodeKey", "keyExpiry",
"peers", "device", "advertised", "served", "podCidrs", "clusterCidrs", "left", "headscale", "conflicts",
"warnings", "reasons"}

Examples:
  headcni mesh status
  headcni mesh status --output json`;

/** Adds the verb `status`. */
export function addStatus(mesh: Command, env: Environment): void {
  addVerb(mesh, "status", "tell how this node takes part in its tailnet")
    .addHelpText("after", HELP)
    .action(async (options: MeshOptions) => {
      const examined = await examine(options, env);
      await print(
        options.output,
        statusValue(examined),
        (screen) => formatStatus(examined, screen),
      );
    });
}

function statusValue(examined: MeshExamination): Readonly<Record<string, unknown>> {
  const { podCidrs, clusterCidrs, hasLeft, headscale, conflicts, warnings, reasons } = examined;
  return {
    ...describeSight(examined.sight),
    podCidrs: podCidrs.map(formatPrefix),
    clusterCidrs: clusterCidrs.map(formatPrefix),
    left: hasLeft,
    headscale: headscale ? headscale.trouble ?? "ok" : null,
    conflicts,
    warnings,
    reasons,
  };
}

function formatStatus(examined: MeshExamination, screen: Screen): string {
  const { podCidrs, hasLeft, headscale, conflicts, warnings, reasons, sight } = examined;
  const told = describeSight(sight);
  const { device } = sight;
  const rows = [
    ["tailscaled", told.trouble ?? `${told.state} (${told.version})`],
    ["control server", told.controlServer ?? "-"],
    ["addresses", list(told.addresses)],
    ["device", device ? `${device.name}, MTU ${device.mtuBytes}` : "-"],
    ["key expires", told.keyExpiry ?? (told.connected ? "never" : "-")],
    ["peers", String(told.peers)],
    ["pod networks", list(podCidrs.map(formatPrefix))],
    ["advertised", list(told.advertised)],
    ["served", list(told.served)],
    ["Headscale", headscale ? headscale.trouble ?? "answers" : "not asked: no API key"],
    ...hasLeft ? [["left", 'yes; "headcni mesh join" takes it back']] : [],
  ];
  const obstacles = [...conflicts.map((text) => `conflict: ${text}`), ...reasons];
  return [
    formatRows(rows, screen),
    "",
    ...warnings.map((text) => `warning: ${text}`),
    ...obstacles.length > 0
      ? obstacles
      : ["Nothing is known that keeps pods of other nodes from ours."],
  ].join("\n");
}

function list(texts: readonly string[]): string {
  return texts.join(", ") || "-";
}
