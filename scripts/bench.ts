/**
 * The benchmark (README, "Speed"): our plugin against Debian's on the same work and against an empty
 * Deno process, interleaved, with the outcome of every round checked on both sides. Prints a table
 * and keeps the raw samples in `bench-results/`.
 *
 * Usage: deno task bench [--rounds=30] [--bursts=5] [--judge]
 */
import { parseArgs } from "@std/cli";
import { checkRound } from "./bench/check_round.ts";
import { DELEGATED, OURS, OURS_FULL, OURS_IPAM, PEER, PEER_FULL } from "./bench/contenders.ts";
import { emptyScript } from "./bench/empty_script.ts";
import { keepSamples, printTable, printVerdicts, progress, type Row } from "./bench/report.ts";
import { measureSandboxes, SANDBOX_CALLS } from "./bench/sandboxes.ts";
import { run, Side, timeInNamespace } from "./bench/side.ts";

/** Pods of a burst. */
const BURST = 50;
/** What each call is measured by. */
const FLOOR = "empty Deno process";
/** What delegation adds to the delegate's own ADD. */
const ADDED = "delegation";

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
  await using full = await Side.open(OURS_FULL, `${prefix}d`, 1);
  await using peerFull = await Side.open(PEER_FULL, `${prefix}e`, 1);
  await using delegated = await Side.open(DELEGATED, `${prefix}f`, 1);
  await using floor = await emptyScript();
  const samples = new Map<string, number[]>();
  const keep: Keep = (name, value) => samples.set(name, [...samples.get(name) ?? [], value]);
  const sides = [ours, peer, full, peerFull, delegated];

  for (let round = -2; round < rounds; round++) { // the first two warm caches and are dropped
    const taken = new Map<string, number>();
    const take: Keep = (call, elapsedMs) => taken.set(call, elapsedMs);
    take(FLOOR, await timeInNamespace(`${prefix}ah`, [floor.path]));
    await profile(ipam, take);
    await runRound(round % 2 ? sides : sides.toReversed(), [0], take);
    take(ADDED, (taken.get(`${DELEGATED.name} ADD`) ?? 0) - (taken.get(`${PEER.name} ADD`) ?? 0));
    if (round >= 0) taken.forEach((elapsedMs, call) => keep(call, elapsedMs));
    progress(`single calls: ${Math.max(round + 1, 0)} of ${rounds}`);
  }
  const all = Array.from({ length: BURST }, (_, at) => at);
  for (let round = 0; round < bursts; round++) {
    const inTurn = round % 2 ? [peer, ours] : [ours, peer];
    await runRound(inTurn, all, (call, elapsedMs) => keep(`${call} x${BURST}`, elapsedMs));
    progress(`${BURST} at once: ${round + 1} of ${bursts}`);
  }
  const missing = await measureSandboxes(rounds, keep);
  if (missing !== undefined) console.log(`the row of containerd is skipped: ${missing}`);
  progress("");
  return rowsOf(samples);
}

/** Parts of an ADD: what it takes to start and answer at all, and to lease an address. */
async function profile(ipam: Side, take: Keep): Promise<void> {
  for (const verb of ["VERSION", "ADD", "DEL"] as const) {
    take(`${ipam.name} ${verb}`, await ipam.timeAtOnce(verb, [0]));
    const { exitCode, stdout } = await ipam.outcome(0);
    if (exitCode !== 0) throw new Error(`${ipam.name}: ${verb} failed: ${stdout}`);
  }
}

/** ADD of these pods on one side, then on the next; then DEL. */
async function runRound(
  sides: readonly Side[],
  pods: readonly number[],
  take: Keep,
): Promise<void> {
  for (const verb of ["ADD", "DEL"] as const) {
    for (const side of sides) {
      take(`${side.name} ${verb}`, await side.timeAtOnce(verb, pods));
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
  const [ours, peer, full, peerFull] = [OURS.name, PEER.name, OURS_FULL.name, PEER_FULL.name];
  const many = `x${BURST}`;
  const rows = [
    row("ADD", `${ours} ADD`, FLOOR, 1.8),
    row("  of it: VERSION", `${OURS_IPAM.name} VERSION`, FLOOR, Infinity),
    row("  of it: addresses", `${OURS_IPAM.name} ADD`, FLOOR, Infinity),
    row("ADD (for comparison)", `${ours} ADD`, `${peer} ADD`, Infinity),
    row("DEL", `${ours} DEL`, `${peer} DEL`, 0.6),
    row("ADD, port and limits", `${full} ADD`, `${peerFull} ADD`, 0.5),
    row("DEL, port and limits", `${full} DEL`, `${peerFull} DEL`, 0.25),
    row("ADD, what delegating adds", ADDED, FLOOR, 1),
    row("RunPodSandbox", SANDBOX_CALLS[0] ?? "", SANDBOX_CALLS[1] ?? "", 1.2),
    row(`${BURST} ADD at once`, `${ours} ADD ${many}`, `${peer} ADD ${many}`, 1.3),
    row(`${BURST} DEL at once`, `${ours} DEL ${many}`, `${peer} DEL ${many}`, 0.5),
  ];
  return rows.filter(({ ours }) => ours.values.length > 0);
}

if (import.meta.main) {
  for (const tool of ["ip", "nsenter", "nft", "ping", "tc"]) await run(tool, ["-V"]);
  await main();
}
