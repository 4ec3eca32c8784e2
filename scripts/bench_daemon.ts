/**
 * The benchmark of the node daemon (README, "Speed"), on nodes of its own:
 *
 * - *start*: from the start of the process until the network configuration is in its place;
 * - *idle*: processor time and memory, with the pods and nothing that changes;
 * - *resync*: one turn over the node with so many pods, each with links, leases and namespaces of its
 *   own, as the daemon itself times it;
 * - *scrape*: `/metrics` on its socket, with so many leases in the store;
 * - *session*: `headcni-ipam`, each ADD with a DEL behind it, on a store that a daemon holds open,
 *   against one that nobody holds, interleaved.
 *
 * Usage: deno task bench:daemon [--starts=10] [--idle=60] [--pods=250] [--leases=1000] [--rounds=40]
 */
import { parseArgs } from "@std/cli";
import { dirname, join } from "@std/path";
import { pause } from "../lib/pause.ts";
import { conflistPath, type DaemonStart, TestDaemon } from "../tests/netns/daemon.ts";
import { readNetwork } from "../tests/netns/installed_plugin.ts";
import { TestNode } from "../tests/netns/plugin.ts";
import { processUse } from "../tests/netns/process_use.ts";
import { AddressPlugin } from "./bench/address_plugin.ts";
import { HEADCNI } from "./bench/contenders.ts";
import { progress } from "./bench/report.ts";
import { median, medianRatio } from "./bench/statistics.ts";

const MB = 1e6;
const SCRAPES = 100;
const TURNS = 20;
/** ADDs at once, to fill a node. */
const AT_ONCE = 4;

/** A line of the table. */
interface Line {
  readonly work: string;
  readonly value: number;
  readonly bar: number;
  readonly unit: string;
  readonly beside?: string;
}

async function main(): Promise<void> {
  Deno.env.set("HEADCNI_BIN", HEADCNI); // nodes run what is shipped, not its sources
  const options = parseArgs(Deno.args, {
    string: ["starts", "idle", "pods", "leases", "rounds"],
    default: { starts: "10", idle: "60", pods: "250", leases: "1000", rounds: "40" },
  });
  const [starts = 0, idle = 0, pods = 0, leases = 0, rounds = 0] = [
    ...[options.starts, options.idle, options.pods, options.leases, options.rounds],
  ].map(Number);
  const lines = [
    await measureStart(starts),
    ...await measureSession(rounds),
    ...await measureScrape(leases),
    ...await measurePods(pods, idle),
  ];
  progress("");
  console.log(`${"work".padEnd(42)}${"median".padStart(9)}       bar`);
  for (const { work, value, bar, unit, beside = "" } of lines) {
    const verdict = bar === Infinity ? "" : `< ${bar} ${unit}  ${value < bar ? "met" : "NOT met"}`;
    console.log(
      `${work.padEnd(42)}${value.toFixed(2).padStart(9)} ${unit.padEnd(5)} ${verdict} ${beside}`,
    );
  }
}

async function measureStart(starts: number): Promise<Line> {
  await using node = await TestNode.make();
  const values: number[] = [];
  for (let at = -1; at < starts; at++) { // the first one warms caches and is dropped
    await Deno.remove(conflistPath(node)).catch(() => {}); // that of the one before
    const begin = performance.now();
    await using daemon = await TestDaemon.spawn(node, start());
    await daemon.saw({ message: "Mended the node", kind: "conflist" });
    if (at >= 0) values.push(performance.now() - begin);
    progress(`starts: ${Math.max(at + 1, 0)} of ${starts}`);
  }
  return { work: "start to network configuration", ...inMs(values, 1_000) };
}

/** The time of a call on a store that is held open, over that of one on another store. */
async function measureSession(rounds: number): Promise<Line[]> {
  await using node = await TestNode.make();
  const folder = dirname(node.plugin);
  await using held = await AddressPlugin.open(folder, "headcni-ipam", 0);
  await using free = await AddressPlugin.open(folder, "headcni-ipam", 0);
  await using daemon = await daemonOf(node, held);
  await seen(daemon, 'headcni_loop_turns_total{loop="MonitoringService"}');
  const samples = { ADD: { held: [], free: [] }, DEL: { held: [], free: [] } } as Record<
    "ADD" | "DEL",
    { readonly held: number[]; readonly free: number[] }
  >;
  for (let round = -2; round < rounds; round++) { // the first two warm caches and are dropped
    for (const which of round % 2 ? ["held", "free"] as const : ["free", "held"] as const) {
      for (const verb of ["ADD", "DEL"] as const) {
        const elapsedMs = await (which === "held" ? held : free).time(verb);
        if (round >= 0) samples[verb][which].push(elapsedMs);
      }
    }
    progress(`sessions: ${Math.max(round + 1, 0)} of ${rounds}`);
  }
  return (["ADD", "DEL"] as const).map((verb) => {
    const { held, free } = samples[verb];
    const beside = `(${median(held).toFixed(1)} ms against ${median(free).toFixed(1)} ms)`;
    const work = `${verb} on a store that is held open`;
    return { work, value: medianRatio(held, free), bar: 1.1, unit: "times", beside };
  });
}

async function measureScrape(leases: number): Promise<Line[]> {
  await using node = await TestNode.make();
  await using plugin = await AddressPlugin.open(dirname(node.plugin), "headcni-ipam", leases);
  await using daemon = await daemonOf(node, plugin);
  await seen(daemon, `headcni_leases{network="bench"} ${leases}\n`);
  const values: number[] = [];
  for (let at = -5; at < SCRAPES; at++) {
    const begin = performance.now();
    await daemon.ask("/metrics");
    if (at >= 0) values.push(performance.now() - begin);
    progress(`scrapes: ${Math.max(at + 1, 0)} of ${SCRAPES}`);
  }
  return [{ work: `scrape with ${leases} leases`, ...inMs(values, 20) }];
}

async function measurePods(pods: number, idleSeconds: number): Promise<Line[]> {
  await using node = await TestNode.make();
  {
    await using _daemon = await TestDaemon.start(node, start());
    await attach(node, pods);
  }
  const turns = await measureTurns(node);
  await using daemon = await TestDaemon.start(node, start());
  await seen(daemon, `headcni_leases{network="headcni"} ${pods}\n`);
  await pause(5_000);
  const [before, begin] = [processUse(daemon.pid), performance.now()];
  progress(`idle for ${idleSeconds} s`);
  await pause(idleSeconds * 1000);
  const after = processUse(daemon.pid);
  const percent = (after.cpuMs - before.cpuMs) / (performance.now() - begin) * 100;
  const idle = `idle with ${pods} pods`;
  return [
    { work: `resync with ${pods} pods`, ...inMs(turns, 100) },
    { work: `${idle}: of a processor`, value: percent, bar: 0.5, unit: "%" },
    { work: `${idle}: memory`, value: after.rssBytes / MB, bar: 80, unit: "MB" },
  ];
}

/** Milliseconds of turns, by a daemon that takes one each second. */
async function measureTurns(node: TestNode): Promise<number[]> {
  await using daemon = await TestDaemon.start(node, start({ resyncInterval: "1s" }));
  const values = new Map<string, number>();
  while (values.size < TURNS + 2) {
    const { text } = await daemon.ask("/metrics");
    const [, turns = ""] = /^headcni_loop_turns_total{loop="CNIService"} (\d+)$/m.exec(text) ?? [];
    const [, seconds] =
      /^headcni_loop_last_turn_duration_seconds{loop="CNIService"} (.*)$/m.exec(text) ?? [];
    values.set(turns, Number(seconds) * 1000);
    progress(`turns: ${values.size} of ${TURNS + 2}`);
    await pause(500);
  }
  return [...values.values()].slice(2); // the first two compile
}

async function attach(node: TestNode, count: number): Promise<void> {
  const config = await readNetwork(node);
  for (let at = 0; at < count; at += AT_ONCE) {
    const pods = Array.from({ length: Math.min(AT_ONCE, count - at) }, () => node.makePod());
    await Promise.all(pods.map(async (pod) => node.add(await pod, config)));
    progress(`pods: ${at} of ${count}`);
  }
}

/** A daemon whose store is the plugin's. */
function daemonOf(node: TestNode, { directory }: AddressPlugin): Promise<TestDaemon> {
  const [dataDir, runDirectory] = [join(directory, "state"), join(directory, "run")];
  const place = { ...placeOf(node), socket: join(runDirectory, "daemon.sock") };
  return TestDaemon.start(place, start({ dataDir, runDirectory }));
}

/** As users run it, with a network that has room for all pods. */
function start(settings: Readonly<Record<string, string>> = {}): DaemonStart {
  const podCIDR = { nodeLocal: "10.77.0.0/22,fd00:77::/64", base: "10.77.0.0/16,fd00:77::/48" };
  return { settings: { network: { podCIDR }, logging: { level: "info" }, ...settings } };
}

function placeOf({ root, dataDirectory, resultsDirectory, enter, plugin }: TestNode) {
  return { root, dataDirectory, resultsDirectory, enter, plugin };
}

/** Waits until the metrics have a text; stores are counted every 30 seconds. */
async function seen(daemon: TestDaemon, text: string): Promise<void> {
  for (const deadline = Date.now() + 60_000; Date.now() < deadline; await pause(200)) {
    if ((await daemon.ask("/metrics")).text.includes(text)) return;
  }
  throw new Error(`Cannot see "${text}" in the metrics`);
}

function inMs(values: readonly number[], bar: number) {
  const beside = `(${Math.min(...values).toFixed(1)} to ${Math.max(...values).toFixed(1)})`;
  return { value: median(values), bar, unit: "ms", beside };
}

if (import.meta.main) await main();
