/** How full the pools of this node are, from marks and counters alone: no lease is looked at. */
import type { Environment } from "../../../lib/cni/environment.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { chooseAddresses } from "../../../lib/ipam/allocate.ts";
import { parseIpamConfig } from "../../../lib/ipam/config.ts";
import { type AddressPool, parsePools } from "../../../lib/ipam/pool.ts";
import type { AddressRange } from "../../../lib/ipam/range.ts";
import { type Address, formatAddress } from "../../../lib/net/address.ts";
import { formatPrefix } from "../../../lib/net/prefix.ts";
import { decideOn } from "../../../lib/store/blocks.ts";
import { readCounters } from "../../../lib/store/counters.ts";
import { type Cursor, listCursors } from "../../../lib/store/cursors.ts";
import type { StoreReader } from "../../../lib/store/transaction.ts";
import { visitPresentStores } from "../stores.ts";
import { type AddressSpace, listAddressSpaces } from "./address_spaces.ts";
import {
  type FamilyUsage,
  measureOnce,
  measureSets,
  type UsageStats,
  usageStats,
} from "./usage_stats.ts";
import type { VerbOptions } from "./verb.ts";

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

/** What `--output json` prints. */
export interface Stats extends Omit<StoreStats, "parts"> {
  readonly node: NodeStats;
}

/** All networks of all stores together. */
export interface NodeStats extends UsageStats {
  readonly node_name: string;
  /** The subnets of all pools with commas. */
  readonly pod_cidr: string;
}

/**
 * Measures all stores, or the one that is named.
 * @throws StoreError when there is none, or one cannot be read.
 */
export async function readStats(
  { store, network }: VerbOptions,
  env: Environment,
): Promise<Stats> {
  return joinStats(
    await visitPresentStores(
      store,
      env,
      (each) => each.read((reader) => readStoreStats(reader, each.directory, network)),
    ),
    env.NODE_NAME || Deno.hostname(),
  );
}

/** All stores of a node together. */
export function joinStats(stores: readonly StoreStats[], nodeName: string): Stats {
  const networks = stores.flatMap((each) => each.networks);
  const cidrs = networks.map(({ cidr }) => cidr).filter((cidr) => cidr !== "");
  return {
    node: {
      ...usageStats(stores.flatMap(({ parts }) => parts)),
      node_name: nodeName,
      pod_cidr: [...new Set(cidrs.flatMap((cidr) => cidr.split(",")))].join(","),
    },
    networks,
    pools: stores.flatMap((each) => each.pools),
    counters: stores.flatMap((each) => each.counters),
  };
}

/**
 * Measures one store.
 * @param store its directory.
 * @param network the only one to measure; else all.
 * @throws StoreError, or ConfigError when the remembered configuration is not understood any more.
 */
export async function readStoreStats(
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
  const config = parseIpamConfig({ network, ipam, pool: pool.name });
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
