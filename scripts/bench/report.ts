/** What the benchmarks have in common: rows, verdicts over several runs, raw samples, progress. */
import { join } from "@std/path";
import { median, medianRatio, quantile, type Samples } from "./statistics.ts";

/** A line of a table: our samples over those of somebody else. */
export interface Row {
  readonly work: string;
  readonly ours: Samples;
  readonly against: Samples;
  /** Largest ratio that meets the bar; Infinity for a row that is there to explain another. */
  readonly bar: number;
}

/** Our time over that of the other. */
export function ratioOf({ ours, against }: Row): number {
  return medianRatio(ours.values, against.values);
}

/** `<bar>  met` or `<bar>  NOT met`; empty without a bar. */
export function verdictOf(row: Row): string {
  if (row.bar === Infinity) return "";
  return `${row.bar}  ${ratioOf(row) <= row.bar ? "met" : "NOT met"}`;
}

/** Prints a line a row: medians in milliseconds, the middle 80 % of ours, and the median ratio. */
export function printTable(rows: readonly Row[]): void {
  console.log("work                       ours ms  [p10-p90]      against ms  ratio   bar");
  for (const row of rows) {
    const { work, ours, against } = row;
    const spread = `[${ms(quantile(ours.values, 0.1))}-${ms(quantile(ours.values, 0.9))}]`;
    console.log(
      `${work.padEnd(27)}${ms(median(ours.values)).padStart(7)}  ${spread.padEnd(15)}` +
        `${ms(median(against.values)).padStart(9)}  ${ratioOf(row).toFixed(2).padStart(5)}   ${
          verdictOf(row)
        }` +
        `   (against ${against.name})`,
    );
  }
}

/** A bar is met when most runs met it. */
export function printVerdicts(runs: readonly Row[][]): void {
  for (const [at, { work, bar }] of (runs[0] ?? []).entries()) {
    if (bar === Infinity) continue;
    const ratios = runs.map((rows) => rows[at]).filter((row) => row !== undefined).map(ratioOf);
    const met = ratios.filter((ratio) => ratio <= bar).length;
    const verdict = met * 2 > ratios.length ? "met" : "NOT met";
    console.log(
      `${work}: ${ratios.map((ratio) => ratio.toFixed(2)).join(", ")}, bar ${bar}: ${verdict}`,
    );
  }
}

/** Keeps the raw samples of all runs in `bench-results/<name>-<time>.json`. */
export async function keepSamples(name: string, runs: readonly Row[][]): Promise<void> {
  const folder = new URL("../../bench-results", import.meta.url).pathname;
  await Deno.mkdir(folder, { recursive: true });
  const file = join(folder, `${name}-${new Date().toISOString().replaceAll(":", "")}.json`);
  await Deno.writeTextFile(file, JSON.stringify(runs, null, 1));
  console.log(`raw samples: ${file}`);
}

/** A line that overwrites itself on a terminal, and stays away elsewhere. */
export function progress(text: string): void {
  if (!Deno.stderr.isTerminal()) return;
  Deno.stderr.writeSync(new TextEncoder().encode(`\r\x1b[K${text}`));
}

function ms(value: number): string {
  return value.toFixed(value < 100 ? 1 : 0);
}
