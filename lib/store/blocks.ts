/** Runs the decisions of `lib/ipam/block.ts` on the store. */
import * as v from "valibot";
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
import { blockKey, pagePrefix, SUMMARY_PREFIX } from "./keys.ts";
import { parseRecord, storedAddress } from "./record.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/** A block with marks. */
export interface StoredBlock {
  readonly network: string;
  readonly block: Block;
  readonly bits: BlockBits;
}

const PageKey = v.tuple([v.literal("page"), v.string(), storedAddress]);
const SummaryKey = v.tuple([v.literal("summary"), v.string(), v.number(), storedAddress]);

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
 * The pages with a mark in the order of their addresses: of a network, or of all.
 * @throws StoreError `store-damaged`.
 */
export async function listPages(reader: StoreReader, network?: string): Promise<StoredBlock[]> {
  return (await reader.list(pagePrefix(network))).map(({ key, value }) => {
    const [, network, first] = parseRecord(PageKey, key, "key of a page");
    return toStoredBlock(network, { level: 0, first }, value);
  });
}

/**
 * What is above the pages of all networks.
 * @throws StoreError `store-damaged`.
 */
export async function listSummaries(reader: StoreReader): Promise<StoredBlock[]> {
  return (await reader.list(SUMMARY_PREFIX)).map(({ key, value }) => {
    const [, network, level, first] = parseRecord(SummaryKey, key, "key of a summary");
    return toStoredBlock(network, { level, first }, value);
  });
}

function toStoredBlock(network: string, block: Block, value: unknown): StoredBlock {
  return { network, block, bits: parseBits(value, block, network) };
}

/**
 * The bits of a block as they are stored: words as bytes, lowest first. They are a copy, which may be
 * changed.
 * @throws StoreError `store-damaged` for what has another length.
 */
function parseBits(value: unknown, block: Block, network: string): BlockBits {
  const bits = freeBits(block);
  if (value instanceof Uint8Array && value.length === bits.byteLength) {
    new Uint8Array(bits.buffer).set(value);
    return bits;
  }
  throw damage(`Cannot read the store: a block of network "${network}" has not the length of one`);
}
