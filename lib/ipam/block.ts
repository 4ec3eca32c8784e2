/**
 * Which addresses are taken, as a tree of bitmaps. A block of level 0, a *page*, has a bit for each
 * of 4,096 addresses; a block of level n, a *summary*, has a bit for each of 4,096 blocks of level
 * n - 1, set when nothing in it is free. Blocks are aligned by address and independent of any
 * configured range, so that a change of ranges orphans nothing. A block that is not stored is free.
 *
 * The functions do not read: they are generators that yield the block they need and get its bits
 * back. So one and the same decision runs over Deno KV and over a map in a test.
 */
import { type Address, FAMILY_BITS } from "../net/address.ts";
import type { Interval } from "./interval.ts";

/** Bits of an address that one level of blocks resolves: 2^12 = 4,096. */
const LEVEL_BITS = 12;
/** Children of a block: addresses of a page, blocks of a summary. */
export const BLOCK_CHILDREN = 1 << LEVEL_BITS;
/** Bytes of one bit for each child. */
const LAYER_BYTES = BLOCK_CHILDREN / 8;
/** Eight children, all of them taken. */
const TAKEN = 0xff;
/** Eight children, all of them free. */
const FREE = 0;

/** Names a block. */
export interface Block {
  /** 0 for a page. */
  readonly level: number;
  /** First address that it covers. */
  readonly first: Address;
}

/**
 * The bits of a block, lowest bit of the first byte first: a summary is one layer of 512 bytes, a
 * page two, *used* and *resting*. A child is taken when any layer has its bit.
 */
export type BlockBits = Uint8Array<ArrayBuffer>;

/** A block as it must be stored; undefined bits mean that nothing in it is taken any more. */
export interface BlockChange {
  readonly block: Block;
  readonly bits: BlockBits | undefined;
}

/** What an address is: `resting` addresses were released and are not given again for a while. */
export type AddressUse = "free" | "used" | "resting";

/** A decision that asks for blocks: yields the block, gets its bits, or undefined when free. */
export type BlockReads<T> = Generator<Block, T, BlockBits | undefined>;

/** Length of the stored bits of a block in bytes. */
export function blockBytes(block: Block): number {
  return block.level === 0 ? 2 * LAYER_BYTES : LAYER_BYTES;
}

/** The page in which the address has its bit. */
export function pageOf(address: Address): Block {
  return blockAt(0, address.family, address.value);
}

/**
 * The lowest free address of the interval, or undefined when it is full. Reads a page, and where
 * that is full from there on, one block for each level up and down again, however wide the interval.
 */
export function* findFree(
  { first, last }: Pick<Interval, "first" | "last">,
): BlockReads<Address | undefined> {
  const family = first.family;
  let value = first.value;
  let level = 0;
  while (value <= last.value) {
    const block = blockAt(level, family, value);
    const bits = yield block;
    const from = childIndex(level, value);
    const child = bits ? nextFree(bits, from) : from;
    value = block.first.value + (BigInt(child) << BigInt(level * LEVEL_BITS));
    if (child === BLOCK_CHILDREN) level += 1;
    else if (level > 0) level -= 1;
    else return value <= last.value ? { family, value } : undefined;
  }
  return undefined;
}

/** What is known of the address. */
export function* readUse(address: Address): BlockReads<AddressUse> {
  const bits = yield pageOf(address);
  const index = childIndex(0, address.value);
  if (hasBit(bits, index)) return "used";
  return hasBit(bits, BLOCK_CHILDREN + index) ? "resting" : "free";
}

/**
 * The blocks that change when the address gets that use: its page, and the summaries above that have
 * to know that a block became full, or is so no longer. Bits that were given are changed in place.
 */
export function* changeUse(address: Address, use: AddressUse): BlockReads<BlockChange[]> {
  const { family, value } = address;
  const changes: BlockChange[] = [];
  let childUse: AddressUse | undefined = use;
  for (let level = 0; childUse && level * LEVEL_BITS < FAMILY_BITS[family]; level++) {
    const block = blockAt(level, family, value);
    const bits = (yield block) ?? new Uint8Array(blockBytes(block));
    const index = childIndex(level, value);
    childUse = setUse(bits, index, childUse);
    changes.push({ block, bits: areAll(FREE, bits, index) ? undefined : bits });
  }
  return changes;
}

/**
 * Index of the first free child of a block at or behind `from` (0 to 4,095), else 4,096. This and
 * {@linkcode setUse} are what the decisions above do to bits.
 */
export function nextFree(bits: BlockBits, from: number): number {
  let below = (1 << (from & 7)) - 1;
  for (let at = from >> 3; at < LAYER_BYTES; at++) {
    const taken = takenByte(bits, at) | below;
    // The number of trailing ones of a byte, by way of the lowest zero bit.
    if (taken !== TAKEN) return at * 8 + 31 - Math.clz32(~taken & (taken + 1));
    below = 0;
  }
  return BLOCK_CHILDREN;
}

/**
 * Marks a child in place; in a summary, which has no other layer, as used or free. Answers how the
 * block has to be marked in the one above: `used` when it became full, `free` when it is so no
 * longer, undefined when that did not change.
 */
export function setUse(
  bits: BlockBits,
  index: number,
  use: AddressUse,
): "used" | "free" | undefined {
  const wasFull = areAll(TAKEN, bits, index);
  setBit(bits, index, use === "used");
  if (bits.length > LAYER_BYTES) setBit(bits, BLOCK_CHILDREN + index, use === "resting");
  const isFull = areAll(TAKEN, bits, index);
  if (isFull === wasFull) return undefined;
  return isFull ? "used" : "free";
}

function blockAt(level: number, family: Address["family"], value: bigint): Block {
  const offset = BigInt.asUintN((level + 1) * LEVEL_BITS, value);
  return { level, first: { family, value: value - offset } };
}

/** Which child of its block of that level an address lies below. */
function childIndex(level: number, value: bigint): number {
  const child = level === 0 ? value : value >> BigInt(level * LEVEL_BITS);
  return Number(BigInt.asUintN(LEVEL_BITS, child));
}

/**
 * True when all children are taken, or all are free. It looks at the changed child and its neighbours
 * first, which answers at once but for a block that is nearly full or nearly empty.
 */
function areAll(byte: typeof TAKEN | typeof FREE, bits: BlockBits, changed: number): boolean {
  const start = changed >> 3;
  for (let step = 0; step < LAYER_BYTES; step++) {
    if (takenByte(bits, (start + step) % LAYER_BYTES) !== byte) return false;
  }
  return true;
}

/** Eight children: those that any layer has. */
function takenByte(bits: BlockBits, at: number): number {
  return (bits[at] ?? 0) | (bits[LAYER_BYTES + at] ?? 0);
}

function hasBit(bits: BlockBits | undefined, index: number): boolean {
  return ((bits?.[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
}

function setBit(bits: BlockBits, index: number, on: boolean): void {
  const mask = 1 << (index & 7);
  const byte = bits[index >> 3] ?? 0;
  bits[index >> 3] = on ? byte | mask : byte & ~mask;
}
