/** Cursors: the address that was given last from a range set of a pool. */
import * as v from "valibot";
import { type Address, addressBytes } from "../net/address.ts";
import { CURSOR_PREFIX, cursorKey } from "./keys.ts";
import { storedAddress } from "./record.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/** The address that was given last from a range set of a pool. */
export interface Cursor {
  readonly network: string;
  readonly pool: string;
  /** Index of the range set. */
  readonly rangeSet: number;
  readonly address: Address;
}

/** A cursor that cannot be read costs nothing: the round begins anew. */
const StoredCursor = v.fallback(v.optional(storedAddress), undefined);

/** The address of a cursor; undefined when nothing is stored, or what is cannot be read. */
export function parseCursor(value: unknown): Address | undefined {
  return v.parse(StoredCursor, value);
}

/** Stages that an address was given last. */
export function stageCursor(tx: StoreTransaction, cursor: Cursor): void {
  const { network, pool, rangeSet, address } = cursor;
  tx.set(cursorKey(network, pool, rangeSet), addressBytes(address));
}

/** Stages a cursor where there is none. */
export async function restoreCursor(tx: StoreTransaction, cursor: Cursor): Promise<void> {
  const { network, pool, rangeSet } = cursor;
  const stored = await tx.get(cursorKey(network, pool, rangeSet));
  if (stored === undefined) stageCursor(tx, cursor);
}

/** All cursors that can be read. */
export async function listCursors(reader: StoreReader): Promise<Cursor[]> {
  const entries = await reader.list(CURSOR_PREFIX);
  return entries.flatMap(({ key: [, network, pool, rangeSet], value }) => {
    const address = parseCursor(value);
    if (!address) return [];
    return { network: String(network), pool: String(pool), rangeSet: Number(rangeSet), address };
  });
}
