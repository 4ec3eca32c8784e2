/**
 * Sums the runs of `scripts/test`: reads the JUnit reports and exit codes that they left in a
 * folder, holds the skipped tests against `tests/skips.txt`, and prints `N passed, N failed, N
 * skipped` as its last line; the exit code tells whether any failed.
 *
 * Usage: scripts/tally.ts [--strict] FOLDER, with `NAME.xml` and `NAME.exit` in it for each run.
 * With `--strict` (Debian, as root) a skipped test that is not on the list counts as failed.
 */
import { parseArgs } from "@std/cli";
import { join } from "@std/path";

/** One test of a report. */
export interface TestCase {
  readonly name: string;
  readonly file: string;
  readonly outcome: "passed" | "failed" | "skipped";
}

/** One run of `deno test`. */
export interface Run {
  readonly name: string;
  readonly exitCode: number;
  readonly cases: readonly TestCase[];
}

/** What all runs come to. */
export interface Tally {
  readonly passed: number;
  readonly failed: number;
  readonly skipped: number;
  /** Things to say beside the counts. */
  readonly notes: readonly string[];
}

/** Reads the test cases of a JUnit report as `deno test --junit-path` writes it. */
export function parseReport(xml: string): TestCase[] {
  const pattern = /<testcase name="([^"]*)" classname="([^"]*)"[^>]*>(.*?)<\/testcase>/gs;
  return Array.from(xml.matchAll(pattern), ([, name = "", file = "", body = ""]) => ({
    name: unescapeXml(name),
    file: unescapeXml(file),
    outcome: body.includes("<failure") || body.includes("<error")
      ? "failed"
      : body.includes("<skipped")
      ? "skipped"
      : "passed",
  }));
}

/** Reads the list of permitted skips: a test name a line, or its beginning and `*`. */
export function parseSkips(text: string): string[] {
  return text.split("\n").map((line) => line.trim()).filter((line) => !/^(#|$)/.test(line));
}

/** Counts; a run that failed without a failed test (a module that does not load) is one failure. */
export function tally(runs: readonly Run[], skips: readonly string[], strict: boolean): Tally {
  const cases = runs.flatMap((run) => run.cases);
  const ofOutcome = (outcome: TestCase["outcome"]) =>
    cases.filter((each) => each.outcome === outcome);
  const broken = runs.filter(({ exitCode, cases }) =>
    exitCode !== 0 && !cases.some(({ outcome }) => outcome === "failed")
  );
  const skipped = ofOutcome("skipped");
  const forbidden = strict
    ? skipped.filter(({ name }) => !skips.some((entry) => matches(entry, name)))
    : [];
  const stale = strict
    ? skips.filter((entry) => !cases.some(({ name }) => matches(entry, name)))
    : [];
  return {
    passed: ofOutcome("passed").length,
    failed: ofOutcome("failed").length + broken.length + forbidden.length,
    skipped: skipped.length - forbidden.length,
    notes: [
      ...ofOutcome("failed").map(({ file, name }) => `failed: ${file}: ${name}`),
      ...broken.map(({ name, exitCode }) => `failed: run "${name}" ended with ${exitCode}`),
      ...forbidden.map(({ file, name }) => `failed: ${file}: ${name}: may not skip here`),
      ...stale.map((entry) => `tests/skips.txt: no test matches "${entry}"`),
    ],
  };
}

function matches(entry: string, name: string): boolean {
  return entry.endsWith("*") ? name.startsWith(entry.slice(0, -1)) : name === entry;
}

const ENTITIES: Readonly<Record<string, string>> = {
  lt: "<",
  gt: ">",
  amp: "&",
  quot: '"',
  apos: "'",
};

function unescapeXml(text: string): string {
  return text.replaceAll(/&(\w+);/g, (entity, name) => ENTITIES[name] ?? entity);
}

/** Reads the runs that `scripts/test` left in a folder. */
function readRuns(folder: string): Run[] {
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name);
  return names.filter((name) => name.endsWith(".exit")).sort().map((file) => {
    const name = file.slice(0, -".exit".length);
    const report = names.includes(`${name}.xml`)
      ? Deno.readTextFileSync(join(folder, `${name}.xml`))
      : "";
    const exitCode = Number(Deno.readTextFileSync(join(folder, file)));
    return { name, exitCode, cases: parseReport(report) };
  });
}

if (import.meta.main) {
  const { strict, _: [folder = "."] } = parseArgs(Deno.args, {
    boolean: ["strict"],
    string: ["_"],
  });
  const skips = parseSkips(
    Deno.readTextFileSync(new URL("../tests/skips.txt", import.meta.url)),
  );
  const { passed, failed, skipped, notes } = tally(readRuns(folder), skips, strict);
  for (const note of notes) console.log(note);
  console.log(`${passed} passed, ${failed} failed, ${skipped} skipped`);
  if (failed > 0) Deno.exitCode = 1;
}
