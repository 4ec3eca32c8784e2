/** The address spaces of a store: a network's marked pages and its configuration. */
import type { StoredPage } from "../../../lib/ipam/usage.ts";
import { listPages } from "../../../lib/store/blocks.ts";
import { listNetworks } from "../../../lib/store/networks.ts";
import type { StoreReader } from "../../../lib/store/transaction.ts";

/** All that is known of the addresses of a network without looking at a lease. */
export interface AddressSpace {
  readonly network: string;
  /** Pages with a mark, in the order of their addresses. */
  readonly pages: readonly StoredPage[];
  /** The `ipam` section that it was last configured with; undefined when none is remembered. */
  readonly ipam: unknown;
}

/**
 * The address spaces by name: all, or that of one network.
 * @throws StoreError for a damaged store.
 */
export async function listAddressSpaces(
  reader: StoreReader,
  network?: string,
): Promise<AddressSpace[]> {
  const pages = Map.groupBy(await listPages(reader, network), (page) => page.network);
  const records = new Map((await listNetworks(reader)).map(({ network, ipam }) => [network, ipam]));
  const names = network === undefined ? new Set([...records.keys(), ...pages.keys()]) : [network];
  return [...names].sort().map((name) => ({
    network: name,
    pages: pages.get(name)?.map(({ block: { first }, bits }) => ({ first, bits })) ?? [],
    ipam: records.get(name),
  }));
}
