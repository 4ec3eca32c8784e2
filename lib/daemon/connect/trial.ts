/** What one trial of the connections of pods came to. */

/** Skipped is neither: what it takes is not there. */
export type TrialVerdict = "passed" | "failed" | "skipped";

/** A trial that is over. */
export interface Trial {
  /** Stays the same from release to release. */
  readonly id: string;
  /** What was tried, for people. */
  readonly title: string;
  readonly verdict: TrialVerdict;
  /** What was seen, or why it was skipped. */
  readonly text: string;
  /** What to do; empty when there is nothing to be done. */
  readonly fix: string;
  /** Each single attempt, one text each. */
  readonly attempts: readonly string[];
}

/** One attempt under way. */
export interface Attempt {
  /** Such as `10.9.0.2 -> 10.9.0.1`. */
  readonly what: string;
  /** Why it failed; undefined when it did not. */
  readonly failure: Promise<string | undefined>;
}

/** What is known of a trial beforehand. */
export type TrialHead = Pick<Trial, "id" | "title" | "fix">;

/** All attempts as one trial: each of them must succeed. */
export async function judgeAttempts(head: TrialHead, attempts: readonly Attempt[]): Promise<Trial> {
  const outcomes = await Promise.all(attempts.map(async ({ what, failure }) => {
    const text = await failure;
    return { hasFailed: text !== undefined, text: text === undefined ? what : `${what}: ${text}` };
  }));
  const failed = outcomes.filter(({ hasFailed }) => hasFailed);
  const verdict = failed.length > 0 ? "failed" : "passed";
  const shown = failed.length > 0 ? failed : outcomes;
  return {
    ...head,
    verdict,
    text: shown.map(({ text }) => text).join("; "),
    fix: verdict === "failed" ? head.fix : "",
    attempts: outcomes.map(({ text }) => text),
  };
}

/** A trial that was not made. */
export function skipTrial(head: TrialHead, reason: string): Trial {
  return { ...head, verdict: "skipped", text: reason, fix: "", attempts: [] };
}
