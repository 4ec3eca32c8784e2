/** What the store remembers for the next lease. */
import type { Address } from "../../../lib/net/address.ts";
import { storedAddress } from "../../../lib/store/record.ts";
import { parseSticky } from "../../../lib/store/sticky.ts";
import type { StoreReader } from "../../../lib/store/transaction.ts";
import * as v from "valibot";

/** The address that was given last from a range set of a pool. */
export interface Cursor {
  readonly network: string;
  readonly pool: string;
  /** Index of the range set. */
  readonly rangeSet: number;
  readonly address: Address;
}

/** The addresses that a pod of a StatefulSet had last. */
export interface StickyAddresses {
  readonly network: string;
  /** Kubernetes namespace and name of the pod. */
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly Address[];
}

/** All cursors that can be read. */
export async function listCursors(reader: StoreReader): Promise<Cursor[]> {
  const entries = await reader.list(["cursor"]);
  return entries.flatMap(({ key: [, network, pool, rangeSet], value }) => {
    const { success, output } = v.safeParse(storedAddress, value);
    return success
      ? [{
        network: String(network),
        pool: String(pool),
        rangeSet: Number(rangeSet),
        address: output,
      }]
      : [];
  });
}

/** The sticky addresses of a network, or of all. */
export async function listSticky(
  reader: StoreReader,
  network?: string,
): Promise<StickyAddresses[]> {
  const entries = await reader.list(network === undefined ? ["sticky"] : ["sticky", network]);
  return entries.map(({ key: [, network, namespace, name], value }) => ({
    network: String(network),
    namespace: String(namespace),
    name: String(name),
    addresses: parseSticky(value),
  }));
}
