/** How much of a network's addresses is taken. */
import { type AddressSupply, usableIntervals } from "../../../lib/ipam/interval.ts";
import type { AddressPool } from "../../../lib/ipam/pool.ts";
import { measureUsage, type PoolUsage } from "../../../lib/ipam/usage.ts";
import { FAMILIES, type Family } from "../../../lib/net/address.ts";
import type { AddressSpace } from "./address_spaces.ts";

/** Counts of addresses; JSON numbers, which are exact up to 2^53. */
export interface UsageStats {
  /** Addresses that pods get of themselves. */
  readonly total_ips: number;
  /** Of these, held by pods. */
  readonly allocated_ips: number;
  /** Of these, released and not given again for a while. */
  readonly cooling_ips: number;
  /** Of these, the rest. */
  readonly available_ips: number;
  /** What is held of the total, with two decimals; of both families, that of the fuller one. */
  readonly utilization_percent: number;
  /** Reserved addresses that pods hold because they asked for them; not among the others. */
  readonly claimed_ips: number;
}

/** How much is taken of addresses of one family. */
export interface FamilyUsage extends PoolUsage {
  readonly family: Family;
}

/** The counts of several parts together. */
export function usageStats(parts: readonly FamilyUsage[]): UsageStats {
  const sum = (count: (part: PoolUsage) => bigint | number, family?: Family) =>
    parts.filter((part) => family === undefined || part.family === family)
      .reduce((total, part) => total + BigInt(count(part)), 0n);
  const used = sum((part) => part.used);
  const resting = sum((part) => part.resting);
  const total = sum((part) => part.total);
  const percents = FAMILIES.map((family) =>
    percentOf(sum((part) => part.used, family), sum((part) => part.total, family))
  );
  return {
    total_ips: Number(total),
    allocated_ips: Number(used),
    cooling_ips: Number(resting),
    available_ips: Number(total - used - resting),
    utilization_percent: Math.max(...percents),
    claimed_ips: Number(sum((part) => part.claimed)),
  };
}

/** Measures each range set by itself: it is of one family. */
export function measureSets({ pages }: AddressSpace, supply: AddressSupply): FamilyUsage[] {
  return supply.rangeSets.map((set) => ({
    family: set[0]?.subnet.address.family ?? 4,
    ...measureUsage({ ...supply, rangeSets: [set] }, pages),
  }));
}

/** Measures of each pool only what no pool before it has. */
export function measureOnce(space: AddressSpace, pools: readonly AddressPool[]): FamilyUsage[] {
  return pools.flatMap((pool, index) => {
    const before = pools.slice(0, index).flatMap((other) =>
      other.rangeSets.flatMap((set) => usableIntervals(other, set))
    );
    return measureSets(space, { ...pool, excluded: [...pool.excluded, ...before] });
  });
}

function percentOf(part: bigint, whole: bigint): number {
  return whole === 0n ? 0 : Math.round(10_000 * Number(part) / Number(whole)) / 100;
}
