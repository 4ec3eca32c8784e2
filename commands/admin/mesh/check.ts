/** `headcni mesh check`: the conditions of traffic between pods of different nodes, one by one. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import type { MeshExamination } from "../../../lib/daemon/mesh/examine.ts";
import { HeadcniError } from "../../../lib/errors.ts";
import type { Condition } from "../../../lib/mesh/conditions.ts";
import { formatPrefix } from "../../../lib/net/prefix.ts";
import { print } from "../print.ts";
import type { Screen } from "../screen.ts";
import { formatRows } from "../table.ts";
import { addVerb, examine, type MeshOptions } from "./verb.ts";

const HELP = `
A condition that fails says what was seen and what to do; then the exit code is 1. With --probe each
other node is tried for real, from the gateway address of our pods to that of theirs: only so it is known
whether other nodes take packets of our pods. With datapath ptp a node has that address as long as it has a
pod; without one nothing can be told.

JSON: {"ok", "conditions": [{"number", "id", "title", "verdict": "pass"|"fail"|"unknown", "evidence",
"fix"}], "conflicts": [text], "warnings": [text], "probes": [{"peer", "prefix", "verdict", "text"}]}

Examples:
  headcni mesh check
  headcni mesh check --probe --output json`;

/** How a verdict is told. */
function wordFor(verdict: Condition["verdict"], { pass, warn, fail }: Screen): string {
  return { pass: pass("ok"), fail: fail("FAIL"), unknown: warn("?") }[verdict];
}

/** Adds the verb `check`. */
export function addCheck(mesh: Command, env: Environment): void {
  addVerb(mesh, "check", "judge each condition of traffic between pods of different nodes")
    .option("--probe", "try to reach the gateways of the pods of other nodes")
    .addHelpText("after", HELP)
    .action(async (options: MeshOptions & { readonly probe?: boolean }) => {
      const examined = await examine(options, env, options.probe);
      const { conditions, conflicts, warnings, probes } = examined;
      const failed = conditions.filter(({ verdict }) => verdict === "fail");
      const told = probes.map(({ prefix, ...rest }) => ({ ...rest, prefix: formatPrefix(prefix) }));
      const ok = failed.length === 0;
      const value = { ok, conditions, conflicts, warnings, probes: told };
      await print(options.output, value, (screen) => formatCheck(examined, screen));
      if (ok) return;
      throw new HeadcniError(
        "check-failure",
        `Cannot reach pods of other nodes: ${failed.length} of ${conditions.length} conditions fail`,
      );
    });
}

function formatCheck(
  { conditions, conflicts, warnings, probes }: MeshExamination,
  screen: Screen,
): string {
  const rows = conditions.flatMap(({ number, title, verdict, evidence, fix }) => [
    [wordFor(verdict, screen), String(number), title, evidence],
    ...verdict !== "pass" && fix !== "" ? [["", "", "", `-> ${fix}`]] : [],
  ]);
  return [
    formatRows(rows, screen),
    ...conflicts.map((text) => `conflict: ${text}`),
    ...warnings.map((text) => `warning: ${text}`),
    ...probes.map(({ verdict, peer, prefix, text }) =>
      `${wordFor(verdict, screen)}  ${peer} (${formatPrefix(prefix)}): ${text}`
    ),
  ].join("\n");
}
