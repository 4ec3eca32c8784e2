/** What of a range may really be given to pods, as stretches without gaps. */
import { addOffset, type Address, isBetween } from "../net/address.ts";
import { type AddressRange, lastUsable } from "./range.ts";

/** Addresses from `first` to `last`, both included, all of them usable. */
export interface Interval {
  readonly first: Address;
  readonly last: Address;
  /** The configured range that it is a part of. */
  readonly range: AddressRange;
}

/**
 * The addresses of a set that a pod can have, in the order of the configuration: never a network or
 * broadcast address, never the IPv6 subnet-router anycast address (RFC 4291 section 2.6.1), and
 * none of `avoid`.
 */
export function usableIntervals(
  set: readonly AddressRange[],
  avoid: readonly Address[],
): Interval[] {
  return set.flatMap((range) => {
    const lowest = addOffset(range.subnet.address, 1n);
    const highest = lastUsable(range.subnet);
    const whole: Interval = {
      range,
      first: range.start.value < lowest.value ? lowest : range.start,
      last: range.end.value > highest.value ? highest : range.end,
    };
    return avoid.reduce(
      (parts, address) => parts.flatMap((part) => without(part, address)),
      isEmpty(whole) ? [] : [whole],
    );
  });
}

/** The interval that the address lies in. */
export function findInterval(
  intervals: readonly Interval[],
  address: Address,
): Interval | undefined {
  return intervals.find((interval) => contains(interval, address));
}

/**
 * The intervals in the order of a round that begins behind `cursor` and ends with it; from the
 * first one when there is no cursor or it lies in none of them.
 */
export function roundAfter(
  intervals: readonly Interval[],
  cursor: Address | undefined,
): Interval[] {
  const current = cursor && findInterval(intervals, cursor);
  if (!cursor || !current) return [...intervals];
  const index = intervals.indexOf(current);
  const behind = { ...current, first: addOffset(cursor, 1n) };
  const before = { ...current, last: cursor };
  return [
    ...isEmpty(behind) ? [] : [behind],
    ...intervals.slice(index + 1),
    ...intervals.slice(0, index),
    before,
  ];
}

function contains(interval: Interval, address: Address): boolean {
  return isBetween(address, interval.first, interval.last);
}

function isEmpty(interval: Interval): boolean {
  return interval.first.value > interval.last.value;
}

function without(interval: Interval, address: Address): Interval[] {
  if (!contains(interval, address)) return [interval];
  const before = { ...interval, last: addOffset(address, -1n) };
  const behind = { ...interval, first: addOffset(address, 1n) };
  return [before, behind].filter((part) => !isEmpty(part));
}
