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
/** Binary logarithm of the number of children whose bits are one word: 2^5 = 32. */
const WORD_BITS = 5;
/** Words of one bit for each child. */
const LAYER_WORDS = BLOCK_CHILDREN >> WORD_BITS;
/** A word of children that are all taken, as the signed number that bit operations give. */
const TAKEN = ~0;

/** Names a block. */
export interface Block {
  /** 0 for a page. */
  readonly level: number;
  /** First address that it covers. */
  readonly first: Address;
}

/**
 * The bits of a block, lowest bit of the first word first: a summary is one layer of 128 words, a
 * page two, *used* and *resting*. A child is taken when any layer has its bit.
 */
export type BlockBits = Uint32Array<ArrayBuffer>;

/** A block as it must be stored; undefined bits mean that nothing in it is taken any more. */
export interface BlockChange {
  readonly block: Block;
  readonly bits: BlockBits | undefined;
}

/** What an address is: `resting` addresses were released and are not given again for a while. */
export type AddressUse = "free" | "used" | "resting";

/** A decision that asks for blocks: yields the block, gets its bits, or undefined when free. */
export type BlockReads<T> = Generator<Block, T, BlockBits | undefined>;

/** Lets a decision have its way over blocks that are at hand. */
export function answerReads<T>(
  decision: BlockReads<T>,
  bitsOf: (block: Block) => BlockBits | undefined,
): T {
  let step = decision.next();
  while (!step.done) step = decision.next(bitsOf(step.value));
  return step.value;
}

/** The bits of a block in which nothing is taken. */
export function freeBits(block: Block): BlockBits {
  return new Uint32Array(block.level === 0 ? 2 * LAYER_WORDS : LAYER_WORDS);
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
  const { family } = first;
  let { value } = first;
  let level = 0;
  while (value <= last.value) {
    const bits = yield blockAt(level, family, value);
    const from = childIndex(level, value);
    const child = bits ? nextFree(bits, from) : from;
    if (child > from) value += BigInt(child - from) << BigInt(level * LEVEL_BITS);
    if (child === BLOCK_CHILDREN) level += 1;
    else if (level > 0) level -= 1;
    else return value <= last.value ? { family, value } : undefined;
  }
  return undefined;
}

/** What is known of the address. */
export function* readUse(address: Address): BlockReads<AddressUse> {
  const bits = yield pageOf(address);
  return bits ? useOf(bits, childIndex(0, address.value)) : "free";
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
    const bits = (yield block) ?? freeBits(block);
    const index = childIndex(level, value);
    childUse = setUse(bits, index, childUse);
    changes.push({ block, bits: isEmpty(bits, index) ? undefined : bits });
  }
  return changes;
}

/** What is known of a child of a block at hand: an address of a page, by its index from 0 to 4,095. */
export function useOf(bits: BlockBits, index: number): AddressUse {
  if (hasBit(bits, index)) return "used";
  return hasBit(bits, BLOCK_CHILDREN + index) ? "resting" : "free";
}

/** Index of the first free child at or behind `from`, else 4,096. */
function nextFree(bits: BlockBits, from: number): number {
  let below = maskOf(from) - 1;
  for (let at = from >> WORD_BITS; at < LAYER_WORDS; at++) {
    const free = ~(takenWord(bits, at) | below);
    // The lowest bit of a word alone is `word & -word`.
    if (free !== 0) return (at << WORD_BITS) + 31 - Math.clz32(free & -free);
    below = 0;
  }
  return BLOCK_CHILDREN;
}

/**
 * Marks a child of a block in place; in a summary, which has no other layer, as used or free.
 * Answers how the block has to be marked in the one above: `used` when it became full, `free` when it
 * is so no longer, undefined when that did not change.
 */
function setUse(
  bits: BlockBits,
  index: number,
  use: AddressUse,
): "used" | "free" | undefined {
  const at = index >> WORD_BITS;
  const wasTaken = takenWord(bits, at) === TAKEN;
  setBit(bits, index, use === "used");
  if (bits.length > LAYER_WORDS) setBit(bits, BLOCK_CHILDREN + index, use === "resting");
  const isTaken = takenWord(bits, at) === TAKEN;
  if (isTaken === wasTaken || !areOthers(TAKEN, bits, at)) return undefined;
  return isTaken ? "used" : "free";
}

function blockAt(level: number, family: Address["family"], value: bigint): Block {
  // A width that is known beforehand is cheaper, and nearly all blocks are pages.
  const offset = level === 0
    ? BigInt.asUintN(LEVEL_BITS, value)
    : BigInt.asUintN((level + 1) * LEVEL_BITS, value);
  return { level, first: { family, value: value - offset } };
}

/** Which child of its block of that level an address lies below. */
function childIndex(level: number, value: bigint): number {
  const child = level === 0 ? value : value >> BigInt(level * LEVEL_BITS);
  return Number(BigInt.asUintN(LEVEL_BITS, child));
}

/** True when no child is taken. */
function isEmpty(bits: BlockBits, changed: number): boolean {
  const at = changed >> WORD_BITS;
  return takenWord(bits, at) === 0 && areOthers(0, bits, at);
}

/**
 * True when all words but one are the same. It looks at the neighbours of that one first, which
 * answers at once but for a block that is nearly full or nearly empty.
 */
function areOthers(word: number, bits: BlockBits, but: number): boolean {
  for (let step = 1; step < LAYER_WORDS; step++) {
    if (takenWord(bits, (but + step) % LAYER_WORDS) !== word) return false;
  }
  return true;
}

/** 32 children: those that any layer has. */
function takenWord(bits: BlockBits, at: number): number {
  return (bits[at] ?? 0) | (bits[LAYER_WORDS + at] ?? 0);
}

function hasBit(bits: BlockBits, index: number): boolean {
  return ((bits[index >> WORD_BITS] ?? 0) & maskOf(index)) !== 0;
}

function setBit(bits: BlockBits, index: number, on: boolean): void {
  const at = index >> WORD_BITS;
  const word = bits[at] ?? 0;
  bits[at] = on ? word | maskOf(index) : word & ~maskOf(index);
}

/** The bit of a child in its word: a shift goes by the lowest five bits of its right side. */
function maskOf(index: number): number {
  return 1 << index;
}
