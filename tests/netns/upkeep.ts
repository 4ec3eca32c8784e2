/** Passes of the daemon's upkeep over a node of a test's own. */
import { assertEquals } from "@std/assert";
import { runProgram } from "../cli/program.ts";
import type { TestNode } from "./plugin.ts";
import type { UpkeepOrder, UpkeepReport } from "./run_upkeep.ts";

/** What the node of the tests is to be. */
export const ORDER: UpkeepOrder = {
  verb: "resync",
  podCidrs: ["10.9.0.0/24", "fd00:9::/64"],
  clusterCidrs: ["10.9.0.0/16", "fd00:9::/32"],
  gateways: ["10.9.0.1/24", "fd00:9::1/64"],
};

/** What came of a pass. */
export type Pass = UpkeepReport & {
  /** What was changed, a word for each part once. */
  readonly parts: readonly string[];
};

/** Runs a pass; it must not fail, nor anything in it. */
export async function upkeep(node: TestNode, order: Partial<UpkeepOrder> = {}): Promise<Pass> {
  const script = new URL("run_upkeep.ts", import.meta.url).pathname;
  const config = new URL("../../deno.json", import.meta.url).pathname;
  const { code, stdout, stderr } = await runProgram({
    enter: [
      ...["nsenter", `--net=${node.host.path}`, Deno.execPath(), "run", "-A", "--no-check"],
      ...["--frozen", "--config", config],
    ],
    executable: script,
    env: node.environment,
    stdin: JSON.stringify({ ...ORDER, ...order }),
  });
  assertEquals(code, 0, stderr);
  const report: UpkeepReport = JSON.parse(stdout);
  assertEquals(report.failures, []);
  return { ...report, parts: [...new Set(report.changes.map(({ part }) => part))] };
}
