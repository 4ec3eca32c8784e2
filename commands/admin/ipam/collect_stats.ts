/** How full the pools of this node are, from marks and counters alone: no lease is looked at. */
import { ConfigError } from "../../../lib/errors.ts";
import { chooseAddresses } from "../../../lib/ipam/allocate.ts";
import { parseIpamConfig } from "../../../lib/ipam/config.ts";
import { ANNOTATION_PREFIX } from "../../../lib/ipam/demand.ts";
import { type AddressSupply, usableIntervals } from "../../../lib/ipam/interval.ts";
import { type AddressPool, parsePools } from "../../../lib/ipam/pool.ts";
import { measureUsage, type PoolUsage } from "../../../lib/ipam/usage.ts";
import type { AddressRange } from "../../../lib/ipam/range.ts";
import { type Address, FAMILIES, type Family, formatAddress } from "../../../lib/net/address.ts";
import { formatPrefix } from "../../../lib/net/prefix.ts";
import { decideOn } from "../../../lib/store/blocks.ts";
import { readCounters } from "../../../lib/store/counters.ts";
import type { StoreReader } from "../../../lib/store/transaction.ts";
import { type AddressSpace, listAddressSpaces } from "./address_spaces.ts";
import { type Cursor, listCursors } from "./memories.ts";

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

/** Usage of some ranges. */
export interface RangesStats extends UsageStats {
  /** Their subnets with commas. */
  readonly cidr: string;
  /** Addresses of the ranges that no pod gets of itself: reserved, excluded, gateways. */
  readonly reserved_ips: number;
  /** What the next pod gets, with commas; null when that is by chance, or nothing is free. */
  readonly next_ip: string | null;
}

/** One pool of a network in a store. */
export interface PoolStats extends RangesStats {
  readonly store: string;
  readonly network: string;
  readonly name: string;
  /** Each of its range sets, in order: a pod has an address of each. */
  readonly range_sets: readonly RangesStats[];
}

/** A network in a store: addresses that several of its pools have count once. */
export interface NetworkStats extends UsageStats {
  readonly store: string;
  readonly network: string;
  /** The subnets of its pools with commas; empty when no ADD has told them yet. */
  readonly cidr: string;
}

/** How often something happened since the store was made. */
export interface CounterStats {
  readonly store: string;
  readonly metric: string;
  /** Such as network and pool. */
  readonly labels: readonly string[];
  readonly value: number;
}

/** What is told of one store. */
export interface StoreStats {
  /** The range sets of all networks, for totals. */
  readonly parts: readonly FamilyUsage[];
  readonly networks: readonly NetworkStats[];
  readonly pools: readonly PoolStats[];
  readonly counters: readonly CounterStats[];
}

/**
 * Measures one store.
 * @param store its directory.
 * @param network the only one to measure; else all.
 * @throws StoreError, or ConfigError when the remembered configuration is not understood any more.
 */
export async function collectStoreStats(
  reader: StoreReader,
  store: string,
  network?: string,
): Promise<StoreStats> {
  const cursors = await listCursors(reader);
  const parts: FamilyUsage[] = [];
  const networks: NetworkStats[] = [];
  const pools: PoolStats[] = [];
  for (const space of await listAddressSpaces(reader, network)) {
    const known = space.ipam === undefined ? [] : parsePools(space.network, space.ipam);
    const usages = measureOnce(space, known);
    const cidr = cidrOf(known.flatMap(rangesOf));
    parts.push(...usages);
    networks.push({ store, network: space.network, cidr, ...usageStats(usages) });
    for (const pool of known) {
      const next = await nextAddresses(reader, space, pool, cursors);
      pools.push({
        store,
        network: space.network,
        name: pool.name,
        ...poolStats(space, pool, next),
      });
    }
  }
  const counters = (await readCounters(reader))
    .filter(({ labels }) => network === undefined || labels.length === 0 || labels[0] === network)
    .map(({ value, ...counter }) => ({ store, ...counter, value: Number(value) }));
  return { parts, networks, pools, counters };
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

function poolStats(
  space: AddressSpace,
  pool: AddressPool,
  next: readonly Address[] | undefined,
): Omit<PoolStats, "store" | "network" | "name"> {
  const parts = measureSets(space, pool);
  const range_sets = parts.map((part, index) =>
    rangesStats([part], pool.rangeSets[index] ?? [], next?.slice(index, index + 1))
  );
  return { ...rangesStats(parts, rangesOf(pool), next), range_sets };
}

function rangesStats(
  parts: readonly FamilyUsage[],
  ranges: readonly AddressRange[],
  next: readonly Address[] | undefined,
): RangesStats {
  return {
    cidr: cidrOf(ranges),
    ...usageStats(parts),
    reserved_ips: Number(parts.reduce((sum, { reserved }) => sum + reserved, 0n)),
    next_ip: next?.map(formatAddress).join(",") ?? null,
  };
}

/** Each range set by itself: it is of one family. */
function measureSets({ pages }: AddressSpace, supply: AddressSupply): FamilyUsage[] {
  return supply.rangeSets.map((set) => ({
    family: set[0]?.subnet.address.family ?? 4,
    ...measureUsage({ ...supply, rangeSets: [set] }, pages),
  }));
}

/** Of each pool only what no pool before it has. */
function measureOnce(space: AddressSpace, pools: readonly AddressPool[]): FamilyUsage[] {
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

function rangesOf({ rangeSets }: AddressPool): AddressRange[] {
  return rangeSets.flat();
}

function cidrOf(ranges: readonly AddressRange[]): string {
  return [...new Set(ranges.map(({ subnet }) => formatPrefix(subnet)))].join(",");
}

/** Chooses as an ADD would, and takes nothing; undefined when chance decides or nothing is free. */
async function nextAddresses(
  reader: StoreReader,
  { network, ipam }: AddressSpace,
  pool: AddressPool,
  cursors: readonly Cursor[],
): Promise<Address[] | undefined> {
  const annotations = { [`${ANNOTATION_PREFIX}pool`]: pool.name };
  const runtimeConfig = { "io.kubernetes.cri.pod-annotations": annotations };
  const config = parseIpamConfig({ network, ipam, runtimeConfig });
  if (config.strategy === "random") return undefined;
  const own = cursors.filter((cursor) => cursor.network === network && cursor.pool === pool.name);
  const choice = {
    cursors: pool.rangeSets.map((_, set) => own.find(({ rangeSet }) => rangeSet === set)?.address),
    preferred: [],
    rested: [],
    random: () => 0,
  };
  try {
    const chosen = await decideOn(reader, network, chooseAddresses(config, choice));
    return chosen.map(({ address }) => address.address);
  } catch (error) {
    if (error instanceof ConfigError && error.reason === "pool-exhausted") return undefined;
    throw error;
  }
}
