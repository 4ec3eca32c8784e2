/** What comes of looking at one thing. */

/** Unknown is no failure: somebody who could tell was not asked, or could not. */
export type Verdict = "pass" | "fail" | "unknown";

/** A verdict and what it stands on. */
export interface Finding {
  readonly verdict: Verdict;
  /** What was seen. */
  readonly evidence: string;
  /** What to do; empty when there is nothing to be done. */
  readonly fix: string;
}

/** All is well. */
export function pass(evidence: string): Finding {
  return { verdict: "pass", evidence, fix: "" };
}

/** Something is wrong. */
export function fail(evidence: string, fix: string): Finding {
  return { verdict: "fail", evidence, fix };
}

/** It cannot be told. */
export function unknown(evidence: string, fix = ""): Finding {
  return { verdict: "unknown", evidence, fix };
}

/**
 * All of them as one: those that fail, else those that are unknown, else that all is well. No finding at
 * all is unknown.
 */
export function worstOf(findings: readonly Finding[]): Finding {
  const verdict = WORST_FIRST.find((each) => findings.some((one) => one.verdict === each));
  const worst = findings.filter((each) => each.verdict === verdict);
  return {
    verdict: verdict ?? "unknown",
    evidence: join(worst.map(({ evidence }) => evidence)),
    fix: join(worst.map(({ fix }) => fix)),
  };
}

const WORST_FIRST: readonly Verdict[] = ["fail", "unknown", "pass"];

/** Each once. */
function join(texts: readonly string[]): string {
  return [...new Set(texts)].filter((text) => text !== "").join("; ");
}
