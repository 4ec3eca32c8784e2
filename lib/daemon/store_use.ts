/** What the stores of a node count: how full their networks are, and what was done. */
import { countAddresses, usableIntervals } from "../ipam/interval.ts";
import { type AddressPool, parsePools } from "../ipam/pool.ts";
import { log } from "../log.ts";
import { type Counter, readCounters } from "../store/counters.ts";
import { attachmentOfKey, leasePrefix } from "../store/keys.ts";
import { listNetworks } from "../store/networks.ts";
import type { Store } from "../store/store.ts";
import type { StoreReader } from "../store/transaction.ts";

/** A network with what was given of it. */
export interface NetworkUse {
  readonly network: string;
  readonly leases: number;
  /**
   * Leases that its addresses suffice for, by the configuration that the last ADD had; undefined when
   * it is not known.
   */
  readonly capacity: number | undefined;
}

/** Of all stores together. */
export interface StoreUse {
  readonly counters: readonly Counter[];
  readonly networks: readonly NetworkUse[];
}

/**
 * Reads stores. What several of them have under the same name is summed: a metric has one number for
 * each set of labels.
 * @throws StoreError.
 */
export async function readStoreUse(stores: readonly Store[]): Promise<StoreUse> {
  const parts = await Promise.all(stores.map(async (store) => {
    await settle(store);
    return await store.read(async (reader) => ({
      counters: await readCounters(reader),
      networks: await readNetworks(reader),
    }));
  }));
  return {
    counters: joined(
      parts.flatMap(({ counters }) => counters),
      ({ metric, labels }) => JSON.stringify([metric, ...labels]),
      (one, other) => ({ ...one, value: one.value + other.value }),
    ),
    networks: joined(
      parts.flatMap(({ networks }) => networks),
      ({ network }) => network,
      (one, other) => ({
        ...one,
        leases: one.leases + other.leases,
        capacity: one.capacity === undefined || other.capacity === undefined
          ? undefined
          : one.capacity + other.capacity,
      }),
    ),
  };
}

/** ADDs that fail are counted with the next write, and where all of them fail there is none. */
async function settle(store: Store): Promise<void> {
  try {
    await store.write(() => {});
  } catch (error) {
    log.debug("Cannot count what is not in the store yet", { error });
  }
}

function joined<T>(
  values: readonly T[],
  nameOf: (value: T) => string,
  join: (one: T, other: T) => T,
): T[] {
  return Array.from(Map.groupBy(values, nameOf).values(), (same) => same.reduce(join));
}

/**
 * Networks that have leases, or had some.
 * @throws StoreError.
 */
export async function readNetworks(reader: StoreReader): Promise<NetworkUse[]> {
  const known = new Map(
    (await listNetworks(reader)).map(({ network, ipam }) => [network, capacityOf(network, ipam)]),
  );
  // By keys alone: to read what all leases say would be most of the work of an idle daemon.
  const leases = Map.groupBy(
    await reader.list(leasePrefix()),
    ({ key }) => attachmentOfKey(key).network,
  );
  return [...new Set([...known.keys(), ...leases.keys()])].map((network) => ({
    network,
    leases: leases.get(network)?.length ?? 0,
    capacity: known.get(network),
  }));
}

/** A pod has an address of each set of its pool, so that the smallest set decides. */
function capacityOf(network: string, ipam: unknown): number | undefined {
  let pools: readonly AddressPool[];
  try {
    pools = parsePools(network, ipam);
  } catch {
    return undefined; // of another release, which had other keys
  }
  return pools.reduce((sum, pool, index) => {
    // What several pools have counts once.
    const before = pools.slice(0, index).flatMap((other) =>
      other.rangeSets.flatMap((set) => usableIntervals(other, set))
    );
    const supply = { ...pool, excluded: [...pool.excluded, ...before] };
    const sizes = pool.rangeSets.map((set) => Number(countAddresses(usableIntervals(supply, set))));
    return sum + Math.min(...sizes);
  }, 0);
}
