/** Milliseconds of one repeated piece of work. */
export interface Samples {
  readonly name: string;
  readonly values: readonly number[];
}

/**
 * The value below which `fraction` (0 to 1) of the values lie, by the nearest rank.
 * @throws RangeError when there are no values.
 */
export function quantile(values: readonly number[], fraction: number): number {
  const sorted = values.toSorted((a, b) => a - b);
  const at = Math.min(sorted.length - 1, Math.floor(fraction * sorted.length));
  const value = sorted[at];
  if (value === undefined) throw new RangeError("Cannot take a quantile of no values");
  return value;
}

/** The middle value. */
export function median(values: readonly number[]): number {
  return quantile(values, 0.5);
}

/**
 * Median of the ratios of pairs that ran next to each other: what one round adds to both sides
 * falls out.
 * @throws RangeError when the two have not the same number of values.
 */
export function medianRatio(ours: readonly number[], theirs: readonly number[]): number {
  if (ours.length !== theirs.length) {
    throw new RangeError(`Cannot pair ${ours.length} values with ${theirs.length}`);
  }
  return median(ours.map((value, at) => value / (theirs[at] ?? NaN)));
}
