/** Runs the decisions of `lib/ipam/block.ts` on the store. */
import {
  type AddressUse,
  type BlockBits,
  blockBytes,
  type BlockReads,
  changeUse,
} from "../ipam/block.ts";
import type { Address } from "../net/address.ts";
import { StoreError } from "../errors.ts";
import { blockKey } from "./keys.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/**
 * Lets a decision read the blocks of a pool that it asks for.
 * @throws StoreError for a damaged block, or what the decision throws.
 */
export async function decideOn<T>(
  reader: StoreReader,
  pool: string,
  decision: BlockReads<T>,
): Promise<T> {
  let step = decision.next();
  while (!step.done) {
    const block = step.value;
    const value = await reader.get(blockKey(pool, block));
    step = decision.next(
      value === undefined ? undefined : parseBits(value, blockBytes(block), pool),
    );
  }
  return step.value;
}

/** Stages the blocks that change when an address gets that use. */
export async function stageUse(
  tx: StoreTransaction,
  pool: string,
  address: Address,
  use: AddressUse,
): Promise<void> {
  for (const { block, bits } of await decideOn(tx, pool, changeUse(address, use))) {
    if (bits) tx.set(blockKey(pool, block), bits);
    else tx.delete(blockKey(pool, block));
  }
}

/** A copy, for a decision may change it. */
function parseBits(value: unknown, bytes: number, pool: string): BlockBits {
  if (value instanceof Uint8Array && value.length === bytes) return new Uint8Array(value);
  throw new StoreError(
    "store-damaged",
    `Cannot read the store: a page of pool "${pool}" is damaged`,
  );
}
