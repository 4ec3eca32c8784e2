/** How full a pool is. */
import type { Address } from "../net/address.ts";
import { BLOCK_CHILDREN, type BlockBits } from "./block.ts";
import {
  type AddressSupply,
  claimableIntervals,
  countAddresses,
  type Interval,
  usableIntervals,
} from "./interval.ts";

/** Counts of the addresses of a pool; free ones are `total - used - resting`. */
export interface PoolUsage {
  /** Addresses that pods get of themselves. */
  readonly total: bigint;
  /** Of these, held by pods. */
  readonly used: number;
  /** Of these, released and not given again for a while. */
  readonly resting: number;
  /** Addresses inside of the ranges that no pod gets of itself: reserved, excluded, gateways. */
  readonly reserved: bigint;
  /** Reserved ones that pods hold because they asked for them; they are not among `used`. */
  readonly claimed: number;
}

/** Where a page of bits begins, and its bits. */
export interface StoredPage {
  readonly first: Address;
  readonly bits: BlockBits;
}

/**
 * Counts what is taken of a pool.
 * @param pages those that are stored; what they do not cover is free, so that an IPv6 /48 is not
 * walked.
 */
export function measureUsage(supply: AddressSupply, pages: Iterable<StoredPage>): PoolUsage {
  const { rangeSets } = supply;
  const usable = rangeSets.flatMap((set) => usableIntervals(supply, set));
  const claimable = rangeSets.flatMap((set) => claimableIntervals(supply, set));
  const whole = rangeSets.flatMap((set) => claimableIntervals({ ...supply, excluded: [] }, set));
  const total = countAddresses(usable);
  let [used, resting, held] = [0, 0, 0];
  for (const page of pages) {
    const here = sumWithin(page, usable);
    used += here.used;
    resting += here.resting;
    held += sumWithin(page, claimable).used;
  }
  return {
    total,
    used,
    resting,
    reserved: countAddresses(whole) - total,
    claimed: held - used,
  };
}

/** Marked addresses of a page that lie in one of the intervals. */
function sumWithin(
  { first, bits }: StoredPage,
  intervals: readonly Interval[],
): { used: number; resting: number } {
  const sum = { used: 0, resting: 0 };
  for (const interval of intervals) {
    if (interval.first.family !== first.family) continue;
    const from = childIndex(interval.first.value - first.value);
    const to = childIndex(interval.last.value - first.value + 1n);
    sum.used += countOnes(bits, from, to);
    sum.resting += countOnes(bits, BLOCK_CHILDREN + from, BLOCK_CHILDREN + to);
  }
  return sum;
}

/** The index of a bit in its layer, or the end of the layer that it is beyond. */
function childIndex(offset: bigint): number {
  if (offset < 0n) return 0;
  return offset > BigInt(BLOCK_CHILDREN) ? BLOCK_CHILDREN : Number(offset);
}

/** Ones of the bits from `from` to before `to`. */
function countOnes(bits: BlockBits, from: number, to: number): number {
  let count = 0;
  for (let at = from; at < to; at++) {
    const word = bits[at >> 5] ?? 0;
    // Words without a one are skipped: most of a page is free.
    if (word === 0) at |= 31;
    else count += (word >>> (at & 31)) & 1;
  }
  return count;
}
