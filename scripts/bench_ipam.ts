/**
 * The benchmark of addresses (README, "Speed"), in one interleaved run:
 *
 * - the allocator in process against a Go bitmap on the same work (`bench/pairs.ts` says what the
 *   work is, `bench/bitmap.go` is the other);
 * - whole calls of the shipped `headcni-ipam`, each ADD with a DEL behind it, with few and with many
 *   leases of others, against itself and against Debian's host-local;
 * - `headcni ipam stats`.
 *
 * Prints a table and keeps the raw samples in `bench-results/`.
 *
 * Usage: deno task bench:ipam [--rounds=20] [--judge]
 */
import { parseArgs } from "@std/cli";
import { dirname, join } from "@std/path";
import { AddressPlugin } from "./bench/address_plugin.ts";
import { GoBitmap } from "./bench/go_bitmap.ts";
import { firstFreeOf, pairsOf, sampleCalls } from "./bench/pairs.ts";
import {
  keepSamples,
  printVerdicts,
  progress,
  ratioOf,
  type Row,
  verdictOf,
} from "./bench/report.ts";
import { median, quantile, type Samples } from "./bench/statistics.ts";

const ROOT = new URL("..", import.meta.url).pathname;
const OURS = dirname(Deno.env.get("HEADCNI_BIN") ?? join(ROOT, "dist/headcni"));
const PEER = "/usr/lib/cni";
/** Leases that must make no difference, and how much they may: a tenth. */
const COUNTS = [0, 1_000, 60_000] as const;
const FLAT = 1.1;
/** Leases at which we are held against host-local. */
const PEER_COUNT = 20_000;
/** Samples of a round in process, and calls of one sample. */
const SAMPLES = 100;
const CALLS = { pairs: 1_000, "first-free": 100 } as const;

/** What is called in process, and how the rows about it begin. */
const IN_PROCESS = [
  { work: "pairs", addresses: 256, title: "pair, /24 half full" },
  { work: "pairs", addresses: 65_536, title: "pair, /16 half full" },
  { work: "first-free", addresses: 65_536, title: "first free, /16 99 % full" },
] as const;

/** Adds samples to those of the same name. */
type Keep = (name: string, values: readonly number[]) => void;

async function main(): Promise<void> {
  const options = parseArgs(Deno.args, {
    string: ["rounds"],
    boolean: ["judge"],
    default: { rounds: "20", judge: false },
  });
  await using go = await GoBitmap.build();
  if (!go) console.log("no go on the PATH: the rows against the Go bitmap are skipped");
  const runs: Row[][] = [];
  for (let at = 0; at < (options.judge ? 3 : 1); at++) {
    const rows = await measure(Number(options.rounds), go);
    printTable(rows);
    runs.push(rows);
  }
  if (options.judge) printVerdicts(runs);
  await keepSamples("bench-ipam", runs);
}

async function measure(rounds: number, go: GoBitmap | undefined): Promise<Row[]> {
  const samples = new Map<string, number[]>();
  const keep: Keep = (name, values) => {
    samples.set(name, [...samples.get(name) ?? [], ...values]);
  };
  if (go) await measureInProcess(rounds, go, keep);
  await measureCalls(rounds, keep);
  progress("");
  return rowsOf((name) => ({ name, values: samples.get(name) ?? [] }));
}

async function measureInProcess(rounds: number, go: GoBitmap, keep: Keep): Promise<void> {
  const contenders = IN_PROCESS.map(({ work, addresses, title }) => {
    const call = work === "pairs" ? pairsOf(addresses) : firstFreeOf(addresses);
    return { work, addresses, title, call };
  });
  for (let round = -1; round < rounds; round++) { // the first one compiles and is dropped
    for (const { work, addresses, title, call } of contenders) {
      const theirs = await go.sample(work, addresses, SAMPLES, CALLS[work]);
      const ours = sampleCalls(call, SAMPLES, CALLS[work]);
      if (round < 0) continue;
      keep(`${title}: go`, theirs);
      keep(`${title}: ours`, ours);
    }
    progress(`in process: ${Math.max(round + 1, 0)} of ${rounds}`);
  }
}

async function measureCalls(rounds: number, keep: Keep): Promise<void> {
  await using stack = new AsyncDisposableStack();
  const plugins: AddressPlugin[] = [];
  for (const count of [...COUNTS, PEER_COUNT]) {
    progress(`filling a store with ${count} leases`);
    plugins.push(stack.use(await AddressPlugin.open(OURS, "headcni-ipam", count)));
  }
  plugins.push(stack.use(await AddressPlugin.open(PEER, "host-local", PEER_COUNT)));
  for (let round = -2; round < rounds; round++) { // the first two warm caches and are dropped
    for (const plugin of round % 2 ? plugins : plugins.toReversed()) {
      for (const verb of ["ADD", "DEL"] as const) {
        const elapsedMs = await plugin.time(verb);
        if (round >= 0) keep(`${verb}: ${plugin.name}`, [elapsedMs]);
      }
    }
    progress(`calls: ${Math.max(round + 1, 0)} of ${rounds}`);
  }
  for (const plugin of plugins) await plugin.check();
  const full = plugins.find(({ leases }) => leases === COUNTS.at(-1));
  if (full) await measureStats(full, rounds, keep);
}

async function measureStats(plugin: AddressPlugin, rounds: number, keep: Keep): Promise<void> {
  const store = join(plugin.directory, "state");
  for (let round = 0; round < rounds; round++) {
    const start = performance.now();
    const { success, stdout, stderr } = await new Deno.Command(join(OURS, "headcni"), {
      args: ["ipam", "stats", "--store", store],
      env: { HEADCNI_RUN_DIR: join(plugin.directory, "run") },
    }).output();
    const elapsedMs = performance.now() - start;
    if (!success) throw new Error(`headcni ipam stats failed: ${new TextDecoder().decode(stderr)}`);
    const used = new TextDecoder().decode(stdout).replaceAll(",", "");
    if (!used.includes(String(plugin.leases))) throw new Error(`stats tell of others: ${used}`);
    keep("ipam stats", [elapsedMs]);
    keep("one second", [1_000]);
    progress(`ipam stats: ${round + 1} of ${rounds}`);
  }
}

/** Rows of which both sides have samples. */
function rowsOf(samplesOf: (name: string) => Samples): Row[] {
  const row = (work: string, ours: string, against: string, bar: number): Row => ({
    work,
    ours: samplesOf(ours),
    against: samplesOf(against),
    bar,
  });
  const inProcess = IN_PROCESS.map(({ title }) => row(title, `${title}: ours`, `${title}: go`, 1));
  const call = (verb: string, type: string, count: number) => `${verb}: ${type}, ${count} leases`;
  const flat = COUNTS.slice(1).flatMap((count) =>
    (["ADD", "DEL"] as const).map((verb) =>
      row(
        `${verb} at ${count} leases`,
        call(verb, "headcni-ipam", count),
        call(verb, "headcni-ipam", COUNTS[0]),
        FLAT,
      )
    )
  );
  const peer = (verb: string, bar: number) =>
    row(
      `${verb} at ${PEER_COUNT} leases`,
      call(verb, "headcni-ipam", PEER_COUNT),
      call(verb, "host-local", PEER_COUNT),
      bar,
    );
  return [
    ...inProcess,
    ...flat,
    peer("ADD", 0.3),
    peer("DEL", Infinity),
    row(`ipam stats at ${COUNTS.at(-1)} leases`, "ipam stats", "one second", 1),
  ].filter(({ ours, against }) => ours.values.length > 0 && against.values.length > 0);
}

/** In process a call takes nanoseconds, a process milliseconds. */
function printTable(rows: readonly Row[]): void {
  const units = (name: string) => name.includes("pair") || name.includes("first") ? "ns" : "ms";
  console.log(
    `${"work".padEnd(38)}${"ours p50".padStart(9)}${"p99".padStart(8)}` +
      `${"against p50".padStart(13)}${"p99".padStart(8)}${"ratio".padStart(7)}   bar`,
  );
  for (const row of rows) {
    const { work, ours, against } = row;
    console.log(
      `${`${work}, ${units(ours.name)}`.padEnd(38)}${digits(median(ours.values)).padStart(9)}` +
        `${digits(quantile(ours.values, 0.99)).padStart(8)}` +
        `${digits(median(against.values)).padStart(13)}` +
        `${digits(quantile(against.values, 0.99)).padStart(8)}` +
        `${ratioOf(row).toFixed(2).padStart(7)}   ${verdictOf(row)}   (against ${against.name})`,
    );
  }
}

function digits(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}

if (import.meta.main) await main();
