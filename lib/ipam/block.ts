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
const BLOCK_CHILDREN = 1 << LEVEL_BITS;
/** Bytes of one bit for each child. */
const LAYER_BYTES = BLOCK_CHILDREN / 8;

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
    const child = nextFreeChild(yield block, childIndex(block, value));
    value = block.first.value + (BigInt(child) << childShift(level));
    if (child === BLOCK_CHILDREN) level += 1;
    else if (level > 0) level -= 1;
    else return value <= last.value ? { family, value } : undefined;
  }
  return undefined;
}

/** What is known of the address. */
export function* readUse(address: Address): BlockReads<AddressUse> {
  const page = pageOf(address);
  const bits = yield page;
  const index = childIndex(page, address.value);
  if (hasBit(bits, index)) return "used";
  return hasBit(bits, BLOCK_CHILDREN + index) ? "resting" : "free";
}

/** The blocks that change when the address gets that use: its page, and summaries above it. */
export function* changeUse(address: Address, use: AddressUse): BlockReads<BlockChange[]> {
  const page = pageOf(address);
  const old = yield page;
  const bits = copyOf(old, page);
  const index = childIndex(page, address.value);
  setBit(bits, index, use === "used");
  setBit(bits, BLOCK_CHILDREN + index, use === "resting");
  const changes: BlockChange[] = [{ block: page, bits: orNothing(bits) }];
  if (isFull(old) !== isFull(bits)) yield* summarize(page, isFull(bits), changes);
  return changes;
}

/** Tells the blocks above `child` that it became full, or is so no longer. */
function* summarize(child: Block, full: boolean, changes: BlockChange[]): BlockReads<void> {
  const { family, value } = child.first;
  const level = child.level + 1;
  if (childShift(level) >= FAMILY_BITS[family]) return;
  const block = blockAt(level, family, value);
  const old = yield block;
  const bits = copyOf(old, block);
  setBit(bits, childIndex(block, value), full);
  changes.push({ block, bits: orNothing(bits) });
  if (isFull(old) !== isFull(bits)) yield* summarize(block, full, changes);
}

function blockAt(level: number, family: Address["family"], value: bigint): Block {
  const shift = childShift(level + 1);
  return { level, first: { family, value: (value >> shift) << shift } };
}

/** Binary logarithm of the number of addresses below one child of a block. */
function childShift(level: number): bigint {
  return BigInt(level * LEVEL_BITS);
}

function childIndex(block: Block, value: bigint): number {
  return Number((value - block.first.value) >> childShift(block.level));
}

/** Index of the first child at or behind `from` that no layer has, else 4,096. */
function nextFreeChild(bits: BlockBits | undefined, from: number): number {
  if (!bits) return from;
  for (let at = from >> 3; at < LAYER_BYTES; at++) {
    const below = at === from >> 3 ? (1 << (from & 7)) - 1 : 0;
    const taken = takenByte(bits, at) | below;
    // The number of trailing ones of a byte, by way of the lowest zero bit.
    if (taken !== 0xff) return at * 8 + 31 - Math.clz32(~taken & (taken + 1));
  }
  return BLOCK_CHILDREN;
}

/** Looks from the end, for pages fill up from their beginning. */
function isFull(bits: BlockBits | undefined): boolean {
  if (!bits) return false;
  for (let at = LAYER_BYTES - 1; at >= 0; at--) if (takenByte(bits, at) !== 0xff) return false;
  return true;
}

/** Eight children: those that any layer has. */
function takenByte(bits: BlockBits, at: number): number {
  let taken = 0;
  for (let byte = at; byte < bits.length; byte += LAYER_BYTES) taken |= bits[byte] ?? 0;
  return taken;
}

function hasBit(bits: BlockBits | undefined, index: number): boolean {
  return ((bits?.[index >> 3] ?? 0) & (1 << (index & 7))) !== 0;
}

function setBit(bits: BlockBits, index: number, on: boolean): void {
  const mask = 1 << (index & 7);
  const byte = bits[index >> 3] ?? 0;
  bits[index >> 3] = on ? byte | mask : byte & ~mask;
}

function copyOf(bits: BlockBits | undefined, block: Block): BlockBits {
  return bits?.slice() ?? new Uint8Array(blockBytes(block));
}

function orNothing(bits: BlockBits): BlockBits | undefined {
  for (const byte of bits) if (byte !== 0) return bits;
  return undefined;
}
