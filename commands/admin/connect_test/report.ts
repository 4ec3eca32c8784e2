import type { Trial, TrialVerdict } from "../../../lib/daemon/connect/trial.ts";
import type { Screen } from "../screen.ts";

/** How many trials came to what, and all of them. */
export interface ConnectReport extends Readonly<Record<TrialVerdict, number>> {
  readonly trials: readonly Trial[];
}

const WORD_WIDTH = 4;
const INDENT = " ".repeat(WORD_WIDTH + 2);

/** Counts verdicts. */
export function reportTrials(trials: readonly Trial[]): ConnectReport {
  const count = (verdict: TrialVerdict) =>
    trials.filter((trial) => trial.verdict === verdict).length;
  return {
    passed: count("passed"),
    failed: count("failed"),
    skipped: count("skipped"),
    trials,
  };
}

/** A trial for people, as soon as it is over. */
export function formatTrial(trial: Trial, verbose: boolean, screen: Screen): string {
  const { verdict, title, text, fix, attempts } = trial;
  const isTold = verdict !== "passed" || verbose;
  const lines = verbose && attempts.length > 0 ? attempts : isTold ? [text] : [];
  return [
    `${wordFor(verdict, screen)}  ${title}`,
    ...lines,
    ...fix === "" ? [] : [`-> ${fix}`],
  ].join(`\n${INDENT}`);
}

/** The last line. */
export function formatSummary({ passed, failed, skipped }: ConnectReport): string {
  return `Passed ${passed}, failed ${failed}, skipped ${skipped}`;
}

function wordFor(verdict: TrialVerdict, { pass, warn, fail }: Screen): string {
  const words = { passed: ["ok", pass], failed: ["FAIL", fail], skipped: ["skip", warn] } as const;
  const [word, paint] = words[verdict];
  return paint(word.padEnd(WORD_WIDTH));
}
