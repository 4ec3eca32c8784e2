/** What of the ranges may really be given to pods, as stretches without gaps. */
import { addOffset, type Address } from "../net/address.ts";
import { type AddressRange, isInRange, lastUsable } from "./range.ts";
import { type AddressSpan, isInSpan } from "./span.ts";

/** Range sets, and what of them is withheld. */
export interface AddressSupply {
  /** A pod gets one address of each set; at least one set, none of them empty. */
  readonly rangeSets: readonly (readonly AddressRange[])[];
  /** Never given: every gateway is among them. */
  readonly excluded: readonly AddressSpan[];
  /** Given only to those who ask for the very address. */
  readonly reserved: readonly AddressSpan[];
}

/** Addresses from `first` to `last`, both included, all of them usable. */
export interface Interval extends AddressSpan {
  /** The configured range that it is a part of. */
  readonly range: AddressRange;
}

/**
 * The addresses of a set that a pod gets of itself, in the order of the configuration:
 * {@linkcode claimableIntervals} without what is reserved.
 */
export function usableIntervals(
  supply: AddressSupply,
  set: readonly AddressRange[],
): Interval[] {
  return cutOut(set, [...supply.excluded, ...supply.reserved]);
}

/**
 * The addresses of a set that a pod can ask for: not excluded, no network or broadcast address, no
 * IPv6 subnet-router anycast address (RFC 4291 section 2.6.1).
 */
export function claimableIntervals(
  supply: AddressSupply,
  set: readonly AddressRange[],
): Interval[] {
  return cutOut(set, supply.excluded);
}

/** The interval that the address lies in. */
export function findInterval(
  intervals: readonly Interval[],
  address: Address,
): Interval | undefined {
  return intervals.find((interval) => isInSpan(interval, address));
}

/** How many addresses the intervals have together. */
export function countAddresses(intervals: readonly AddressSpan[]): bigint {
  return intervals.reduce((sum, interval) => sum + sizeOf(interval), 0n);
}

/** The same addresses, beginning with the one that `skipped` others come before; then these. */
export function rotateIntervals(intervals: readonly Interval[], skipped: bigint): Interval[] {
  const ahead: Interval[] = [];
  const behind: Interval[] = [];
  let rest = skipped;
  for (const interval of intervals) {
    const size = sizeOf(interval);
    const cut = rest < size ? rest : size;
    rest -= cut;
    const middle = addOffset(interval.first, cut);
    if (cut > 0n) behind.push({ ...interval, last: addOffset(middle, -1n) });
    if (cut < size) ahead.push({ ...interval, first: middle });
  }
  return [...ahead, ...behind];
}

/**
 * How many addresses a round passes before it goes on behind `cursor`: 0 when there is no cursor or
 * no range has it.
 */
export function countPassed(
  intervals: readonly Interval[],
  cursor: Address | undefined,
): bigint {
  if (!cursor) return 0n;
  const current = intervals.findLastIndex(({ range }) => isInRange(range, cursor));
  return intervals.slice(0, current + 1).reduce((sum, interval) => {
    if (!isInRange(interval.range, cursor) || interval.last.value <= cursor.value) {
      return sum + sizeOf(interval);
    }
    return isInSpan(interval, cursor) ? sum + cursor.value - interval.first.value + 1n : sum;
  }, 0n);
}

function cutOut(set: readonly AddressRange[], withheld: readonly AddressSpan[]): Interval[] {
  const spans = withheld.toSorted((a, b) => compare(a.first.value, b.first.value));
  return set.flatMap((range) => partsOf(range, spans));
}

/** @param withheld by their first address. */
function partsOf(range: AddressRange, withheld: readonly AddressSpan[]): Interval[] {
  const { subnet, start, end } = range;
  const highest = lastUsable(subnet);
  const last = end.value > highest.value ? highest : end;
  let first = addOffset(subnet.address, 1n);
  if (start.value > first.value) first = start;
  const parts: Interval[] = [];
  for (const span of withheld) {
    if (span.first.family !== first.family || span.last.value < first.value) continue;
    if (span.first.value > last.value) break;
    if (span.first.value > first.value) {
      parts.push({ range, first, last: addOffset(span.first, -1n) });
    }
    first = addOffset(span.last, 1n);
  }
  return first.value <= last.value ? [...parts, { range, first, last }] : parts;
}

function sizeOf({ first, last }: AddressSpan): bigint {
  return last.value - first.value + 1n;
}

function compare(a: bigint, b: bigint): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
