import { type Family, FAMILY_BITS, formatAddress } from "../net/address.ts";
import { formatPrefix, lastAddress, networkOf, type Prefix } from "../net/prefix.ts";

/** Addresses of one family, as numbers, from `first` to `last`, both included. */
export interface Interval {
  readonly first: bigint;
  readonly last: bigint;
}

/** What must change in a set. */
export interface IntervalChanges {
  readonly remove: Interval[];
  readonly add: Interval[];
}

/** All addresses of a prefix; its host bits do not count. */
export function intervalOf(prefix: Prefix): Interval {
  return { first: networkOf(prefix).address.value, last: lastAddress(prefix).value };
}

/**
 * The same addresses as intervals that share none, in ascending order. Neighbours stay apart, so
 * that a listing shows the prefixes that were asked for.
 */
export function mergeIntervals(intervals: readonly Interval[]): Interval[] {
  const merged: Interval[] = [];
  for (const next of [...intervals].sort(byFirst)) {
    const previous = merged.at(-1);
    if (!previous || next.first > previous.last) merged.push(next);
    else if (next.last > previous.last) {
      merged[merged.length - 1] = { first: previous.first, last: next.last };
    }
  }
  return merged;
}

/**
 * How to make a set cover `want` without uncovering anything. The kernel refuses an interval that
 * overlaps another one, so an interval that must grow is removed and added anew.
 * @param have intervals that share no address.
 */
export function coverIntervals(
  want: readonly Interval[],
  have: readonly Interval[],
): IntervalChanges {
  const merged = mergeIntervals([...have, ...want]);
  return {
    remove: have.filter((interval) => !holds(merged, interval)),
    add: merged.filter((interval) => !holds(have, interval)),
  };
}

/** How to make a set hold `want` and nothing else; removals come first. */
export function replaceIntervals(
  want: readonly Interval[],
  have: readonly Interval[],
): IntervalChanges {
  return {
    remove: have.filter((interval) => !holds(want, interval)),
    add: want.filter((interval) => !holds(have, interval)),
  };
}

/** A prefix where the interval is one, else `first-last`: both are nft(8)'s words. */
export function formatInterval(family: Family, { first, last }: Interval): string {
  const size = last - first + 1n;
  const hostBits = size.toString(2).length - 1;
  const address = { family, value: first };
  if (size === 1n << BigInt(hostBits) && first % size === 0n) {
    return formatPrefix({ address, length: FAMILY_BITS[family] - hostBits });
  }
  return `${formatAddress(address)}-${formatAddress({ family, value: last })}`;
}

function byFirst(a: Interval, b: Interval): number {
  return a.first < b.first ? -1 : a.first > b.first ? 1 : 0;
}

function holds(intervals: readonly Interval[], { first, last }: Interval): boolean {
  return intervals.some((other) => other.first === first && other.last === last);
}
