/** What comes of one check. */

/** Skipped: it could not be seen, which is no verdict. */
export type Verdict = "pass" | "warn" | "fail" | "skip";

/** A verdict and what it stands on. */
export interface Finding {
  readonly verdict: Verdict;
  /** What was seen, or why nothing could be. */
  readonly evidence: string;
  /** What to do; empty when there is nothing to be done. */
  readonly fix: string;
}

/** All is well. */
export function pass(evidence: string): Finding {
  return { verdict: "pass", evidence, fix: "" };
}

/** It may harm pods, or will. */
export function warn(evidence: string, fix: string): Finding {
  return { verdict: "warn", evidence, fix };
}

/** It harms pods. */
export function fail(evidence: string, fix: string): Finding {
  return { verdict: "fail", evidence, fix };
}

/** It could not be seen. */
export function skip(reason: string): Finding {
  return { verdict: "skip", evidence: reason, fix: "" };
}

/** Most texts of one kind that an evidence repeats: the first tell what it is about. */
const MAX_TOLD = 4;

/** Several texts as one; of many only the first. */
export function tellAll(texts: readonly string[]): string {
  const more = texts.length - MAX_TOLD;
  return [...texts.slice(0, MAX_TOLD), ...more > 0 ? [`and ${more} more`] : []].join("; ");
}

/** Fails with all that is wrong, or passes. */
export function failOn(faults: readonly string[], fix: string, otherwise: string): Finding {
  return faults.length > 0 ? fail(tellAll(faults), fix) : pass(otherwise);
}

/** Warns of all that is wrong, or passes. */
export function warnOn(faults: readonly string[], fix: string, otherwise: string): Finding {
  return faults.length > 0 ? warn(tellAll(faults), fix) : pass(otherwise);
}
