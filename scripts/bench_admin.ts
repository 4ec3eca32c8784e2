/**
 * The benchmark of the administrator's commands (README, "Speed"): whole calls on a node that is well,
 * its daemon running and pods attached, against an empty Deno process, interleaved.
 *
 * Usage: deno task bench:admin [--rounds=30] [--pods=10] [--judge]
 */
import { parseArgs } from "@std/cli";
import { settingsPath, TestDaemon } from "../tests/netns/daemon.ts";
import { InstalledPlugin } from "../tests/netns/installed_plugin.ts";
import { TestNode } from "../tests/netns/plugin.ts";
import { HEADCNI } from "./bench/contenders.ts";
import { emptyScript } from "./bench/empty_script.ts";
import { keepSamples, printTable, printVerdicts, progress, type Row } from "./bench/report.ts";

/** What is called, and how many times an empty process it may take. */
const CALLS: readonly [args: string, bar: number][] = [
  ["--help", 4],
  ["status", 6],
  ["doctor", 20],
  ["version", Infinity],
  ["status --pods --output yaml", Infinity],
];

/** What each call is measured by. */
const FLOOR = "empty Deno process";

async function main(): Promise<void> {
  const options = parseArgs(Deno.args, {
    string: ["rounds", "pods"],
    boolean: ["judge"],
    default: { rounds: "30", pods: "10", judge: false },
  });
  Deno.env.set("HEADCNI_BIN", HEADCNI); // the daemon is of the release that is measured, too
  await using node = await TestNode.make();
  await using _daemon = await TestDaemon.start(node);
  const plugin = await InstalledPlugin.read(node);
  for (let at = 0; at < Number(options.pods); at++) await plugin.add(await node.makePod());
  const calls = await knownCalls(node);
  const runs: Row[][] = [];
  for (let at = 0; at < (options.judge ? 3 : 1); at++) {
    runs.push(await measure(node, calls, Number(options.rounds)));
    printTable(runs.at(-1) ?? []);
  }
  if (options.judge) printVerdicts(runs);
  await keepSamples("bench-admin", runs);
}

async function measure(
  node: TestNode,
  calls: typeof CALLS,
  rounds: number,
): Promise<Row[]> {
  await using floor = await emptyScript();
  const rows = calls.map(([args, bar]) => ({
    work: args,
    ours: { name: args, values: [] as number[] },
    against: { name: FLOOR, values: [] as number[] },
    bar,
  }));
  for (let round = -2; round < rounds; round++) { // the first two warm caches and are dropped
    for (const { work, ours, against } of round % 2 ? rows : rows.toReversed()) {
      const floorMs = (await call(node, [floor.path])).elapsedMs;
      const { elapsedMs, code, text } = await call(node, [HEADCNI, ...work.split(" ")]);
      if (code !== 0) throw new Error(`headcni ${work} ended with ${code}: ${text}`);
      if (round < 0) continue;
      against.values.push(floorMs);
      ours.values.push(elapsedMs);
    }
    progress(`calls: ${Math.max(round + 1, 0)} of ${rounds}`);
  }
  progress("");
  return rows;
}

/** Without those that this build does not have. */
async function knownCalls(node: TestNode): Promise<typeof CALLS> {
  const { text } = await call(node, [HEADCNI, "--help"]);
  return CALLS.filter(([args]) => {
    const [name = ""] = args.split(" ");
    const isKnown = name.startsWith("-") || text.includes(`\n  ${name} `);
    if (!isKnown) console.log(`the row "${args}" is skipped: there is no such command`);
    return isKnown;
  });
}

/** Runs a command on the node, from spawn to exit. */
async function call(
  node: TestNode,
  [program = "", ...args]: readonly string[],
): Promise<{ elapsedMs: number; code: number; text: string }> {
  const [enter = "", ...entering] = node.enter;
  const command = new Deno.Command(enter, {
    args: [...entering, program, ...args],
    env: {
      ...node.environment,
      HEADCNI_CONFIG: settingsPath(node),
      HEADCNI_HOST_ROOT: `${node.root}/machine`,
    },
    stdin: "null",
  });
  const start = performance.now();
  const { code, stdout, stderr } = await command.output();
  const elapsedMs = performance.now() - start;
  const [out, error] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  return { elapsedMs, code, text: error || out || "" };
}

if (import.meta.main) await main();
