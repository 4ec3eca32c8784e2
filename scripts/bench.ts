/**
 * The benchmark (README, "Speed"): our plugin against Debian's bridge + host-local and an empty
 * Deno process, interleaved, with the outcome of every round checked on both sides. Prints a table
 * and keeps the raw samples in `bench-results/`.
 *
 * Usage: deno task bench [--rounds=30] [--bursts=5] [--judge]
 */
import { parseArgs } from "@std/cli";
import { dirname, join } from "@std/path";
import {
  keepSamples,
  printVerdicts,
  progress,
  ratioOf,
  type Row,
  verdictOf,
} from "./bench/report.ts";
import { type Contender, run, Side, timeInNamespace } from "./bench/side.ts";
import { median, quantile } from "./bench/statistics.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const PEER_PATH = "/usr/lib/cni";
/** Pods of a burst. */
const BURST = 50;

const network = (bridge: string, subnet: string, ipam: Record<string, unknown>) => ({
  cniVersion: "1.0.0",
  name: "bench",
  bridge,
  isGateway: true,
  ipMasq: true,
  hairpinMode: true,
  mtu: 1500,
  ipam: { ...ipam, ranges: [[{ subnet }]], routes: [{ dst: "0.0.0.0/0" }] },
});

const OURS: Contender = {
  name: "headcni",
  plugin: Deno.env.get("HEADCNI_BIN") ?? join(ROOT, "dist/headcni"),
  path: PEER_PATH,
  gateway: "10.98.0.1",
  config: (directory) => ({
    ...network("hcbench0", "10.98.0.0/24", { type: "headcni-ipam", dataDir: directory }),
    type: "headcni",
  }),
};

/** Ours without links: what addresses and their store cost of an ADD. */
const OURS_IPAM: Contender = {
  ...OURS,
  name: "headcni-ipam",
  plugin: join(dirname(OURS.plugin), "headcni-ipam"),
};

const PEER: Contender = {
  name: "bridge + host-local",
  plugin: join(PEER_PATH, "bridge"),
  path: PEER_PATH,
  gateway: "10.99.0.1",
  config: (directory) => ({
    ...network("cnibench0", "10.99.0.0/24", { type: "host-local", dataDir: directory }),
    type: "bridge",
  }),
};

async function main(): Promise<void> {
  const options = parseArgs(Deno.args, {
    string: ["rounds", "bursts"],
    boolean: ["judge"],
    default: { rounds: "30", bursts: "5", judge: false },
  });
  const runs: Row[][] = [];
  for (let at = 0; at < (options.judge ? 3 : 1); at++) {
    runs.push(await measure(Number(options.rounds), Number(options.bursts)));
    printTable(runs.at(-1) ?? []);
  }
  if (options.judge) printVerdicts(runs);
  await keepSamples("bench", runs);
}

/** Takes the milliseconds of a call. */
type Keep = (call: string, elapsedMs: number) => void;

async function measure(rounds: number, bursts: number): Promise<Row[]> {
  const prefix = `hcb${crypto.randomUUID().slice(0, 5)}`;
  await using ours = await Side.open(OURS, `${prefix}a`, BURST);
  await using peer = await Side.open(PEER, `${prefix}b`, BURST);
  await using ipam = await Side.open(OURS_IPAM, `${prefix}c`, 1);
  await using floor = await emptyScript();
  const samples = new Map<string, number[]>();
  const keep: Keep = (name, value) => samples.set(name, [...samples.get(name) ?? [], value]);
  const inTurn = (round: number) => round % 2 ? [peer, ours] : [ours, peer];

  for (let round = -2; round < rounds; round++) { // the first two warm caches and are dropped
    const keepWarm: Keep = (call, elapsedMs) => round >= 0 && keep(call, elapsedMs);
    keepWarm("empty Deno process", await timeInNamespace(`${prefix}ah`, [floor.path]));
    await profile(ipam, keepWarm);
    await runRound(inTurn(round), [0], keepWarm);
    progress(`single calls: ${Math.max(round + 1, 0)} of ${rounds}`);
  }
  const all = Array.from({ length: BURST }, (_, at) => at);
  for (let round = 0; round < bursts; round++) {
    await runRound(inTurn(round), all, (call, elapsedMs) => keep(`${call} x${BURST}`, elapsedMs));
    progress(`${BURST} at once: ${round + 1} of ${bursts}`);
  }
  progress("");
  return rowsOf(samples);
}

/** Parts of an ADD: what it takes to start and answer at all, and to lease an address. */
async function profile(ipam: Side, keep: Keep): Promise<void> {
  for (const verb of ["VERSION", "ADD", "DEL"] as const) {
    keep(`${ipam.name} ${verb}`, await ipam.timeAtOnce(verb, [0]));
    const { exitCode, stdout } = await ipam.outcome(0);
    if (exitCode !== 0) throw new Error(`${ipam.name}: ${verb} failed: ${stdout}`);
  }
}

/** ADD of these pods on one side, then on the other; then DEL. */
async function runRound(
  sides: readonly Side[],
  pods: readonly number[],
  keep: Keep,
): Promise<void> {
  for (const verb of ["ADD", "DEL"] as const) {
    for (const side of sides) {
      keep(`${side.name} ${verb}`, await side.timeAtOnce(verb, pods));
      await checkRound(side, verb, pods);
    }
  }
}

function rowsOf(samples: ReadonlyMap<string, readonly number[]>): Row[] {
  const row = (work: string, name: string, against: string, bar: number): Row => ({
    work,
    ours: { name, values: samples.get(name) ?? [] },
    against: { name: against, values: samples.get(against) ?? [] },
    bar,
  });
  const floor = "empty Deno process";
  const [ours, peer, many] = [OURS.name, PEER.name, `x${BURST}`];
  return [
    row("ADD", `${ours} ADD`, floor, 1.8),
    row("  of it: VERSION", `${OURS_IPAM.name} VERSION`, floor, Infinity),
    row("  of it: addresses", `${OURS_IPAM.name} ADD`, floor, Infinity),
    row("ADD (for comparison)", `${ours} ADD`, `${peer} ADD`, Infinity),
    row("DEL", `${ours} DEL`, `${peer} DEL`, 0.6),
    row(`${BURST} ADD at once`, `${ours} ADD ${many}`, `${peer} ADD ${many}`, 1.3),
    row(`${BURST} DEL at once`, `${ours} DEL ${many}`, `${peer} DEL ${many}`, 0.5),
  ];
}

/** Both sides must have done the work: links, distinct addresses, masquerade, a ping; or nothing. */
async function checkRound(side: Side, verb: "ADD" | "DEL", pods: readonly number[]): Promise<void> {
  const links = await side.vethCount();
  const wanted = verb === "ADD" ? pods.length : 0;
  if (links !== wanted) {
    throw new Error(`${side.name}: ${links} links after ${verb}, not ${wanted}`);
  }
  if (verb === "DEL") {
    for (const pod of pods) {
      const { exitCode, stdout } = await side.outcome(pod);
      if (exitCode !== 0) throw new Error(`${side.name}: DEL of pod ${pod} failed: ${stdout}`);
    }
    return;
  }
  const addresses = new Set(await Promise.all(pods.map((pod) => side.address(pod))));
  if (addresses.size !== pods.length) throw new Error(`${side.name}: pods share an address`);
  if (!await side.hasMasquerade()) throw new Error(`${side.name}: no masquerade rule`);
  await side.pingGateway(pods.at(-1) ?? 0);
}

/** An executable script that does nothing, in the form in which we ship: the floor of any call. */
async function emptyScript(): Promise<{ readonly path: string } & AsyncDisposable> {
  const path = await Deno.makeTempFile({ prefix: "hcb-empty-" });
  const [shebang = "", start] = (await Deno.readTextFile(OURS.plugin)).split("\n", 2);
  if (shebang !== "#!/bin/sh") {
    throw new Error(`Cannot time an empty process: "${OURS.plugin}" is not the script form`);
  }
  await Deno.writeTextFile(path, `${shebang}\n${start}\n`);
  await Deno.chmod(path, 0o755);
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path) };
}

function printTable(rows: readonly Row[]): void {
  console.log("work                  ours ms  [p10-p90]      against ms  ratio   bar");
  for (const row of rows) {
    const { work, ours, against } = row;
    const spread = `[${ms(quantile(ours.values, 0.1))}-${ms(quantile(ours.values, 0.9))}]`;
    console.log(
      `${work.padEnd(22)}${ms(median(ours.values)).padStart(7)}  ${spread.padEnd(15)}` +
        `${ms(median(against.values)).padStart(9)}  ${ratioOf(row).toFixed(2).padStart(5)}   ${
          verdictOf(row)
        }` +
        `   (against ${against.name})`,
    );
  }
}

function ms(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}

if (import.meta.main) {
  for (const tool of ["ip", "nsenter", "nft", "ping"]) await run(tool, ["-V"]);
  await main();
}
