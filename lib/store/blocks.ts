/** Runs the decisions of `lib/ipam/block.ts` on the store. */
import {
  type AddressUse,
  type Block,
  type BlockBits,
  type BlockReads,
  changeUse,
  freeBits,
} from "../ipam/block.ts";
import type { Address } from "../net/address.ts";
import { damage } from "./failure.ts";
import { blockKey } from "./keys.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/**
 * Lets a decision read the blocks of a network that it asks for.
 * @throws StoreError for a damaged block, or what the decision throws.
 */
export async function decideOn<T>(
  reader: StoreReader,
  network: string,
  decision: BlockReads<T>,
): Promise<T> {
  let step = decision.next();
  while (!step.done) {
    const block = step.value;
    const value = await reader.get(blockKey(network, block));
    step = decision.next(value === undefined ? undefined : parseBits(value, block, network));
  }
  return step.value;
}

/** Stages the blocks that change when an address gets that use. */
export async function stageUse(
  tx: StoreTransaction,
  network: string,
  address: Address,
  use: AddressUse,
): Promise<void> {
  for (const { block, bits } of await decideOn(tx, network, changeUse(address, use))) {
    if (bits) tx.set(blockKey(network, block), new Uint8Array(bits.buffer));
    else tx.delete(blockKey(network, block));
  }
}

/**
 * The bits of a block as they are stored: words as bytes, lowest first. They are a copy, which may be
 * changed.
 * @throws StoreError `store-damaged` for what has another length.
 */
export function parseBits(value: unknown, block: Block, network: string): BlockBits {
  const bits = freeBits(block);
  if (value instanceof Uint8Array && value.length === bits.byteLength) {
    new Uint8Array(bits.buffer).set(value);
    return bits;
  }
  throw damage(`Cannot read the store: a block of network "${network}" has not the length of one`);
}
