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

/** The address that `index` others come before; undefined when there are not so many. */
export function addressAt(intervals: readonly AddressSpan[], index: bigint): Address | undefined {
  let rest = index;
  for (const interval of intervals) {
    const size = sizeOf(interval);
    if (rest < size) return addOffset(interval.first, rest);
    rest -= size;
  }
  return undefined;
}

/**
 * The address with which a round goes on behind `cursor`, which need not be in an interval any more;
 * undefined for the very first one: behind the last, and when no range has the cursor.
 */
export function addressBehind(
  intervals: readonly Interval[],
  cursor: Address,
): Address | undefined {
  const isOfRange = ({ range }: Interval) => isInRange(range, cursor);
  const open = intervals.find((each) => cursor.value < each.last.value && isOfRange(each));
  if (open) return cursor.value < open.first.value ? open.first : addOffset(cursor, 1n);
  return intervals[intervals.findLastIndex(isOfRange) + 1]?.first;
}

/** The same addresses, beginning with `start`, and in the end those before it. */
export function rotateIntervals(
  intervals: readonly Interval[],
  start: Address | undefined,
): Interval[] {
  const at = start ? intervals.findIndex((interval) => isInSpan(interval, start)) : -1;
  const cut = intervals[at];
  if (!start || !cut) return [...intervals];
  const rest = cut.first.value < start.value ? [{ ...cut, last: addOffset(start, -1n) }] : [];
  return [{ ...cut, first: start }, ...intervals.slice(at + 1), ...intervals.slice(0, at), ...rest];
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
