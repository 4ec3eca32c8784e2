/** Types of keys and values, which nft(8) names and numbers; to the kernel they mean nothing. */
import type { Family } from "../net/address.ts";

/** What nft(8) calls a type of one part of a key or a value. */
export type DataType = keyof typeof TYPES;

/** The type of an address. */
export const ADDRESS_TYPES: Readonly<Record<Family, DataType>> = { 4: "ipv4_addr", 6: "ipv6_addr" };

/** Numbers of `enum datatypes` in nft(8), include/datatype.h, and lengths in bytes. */
const TYPES = {
  ipv4_addr: { number: 7, bytes: 4 },
  ipv6_addr: { number: 8, bytes: 16 },
  inet_proto: { number: 12, bytes: 1 },
  inet_service: { number: 13, bytes: 2 },
} as const;

/** Bits that a number takes where several are joined: `TYPE_BITS`, nft(8), include/datatype.h. */
const TYPE_BITS = 6;
/** Each part fills whole registers of 32 bits. */
const WORD_BYTES = 4;

/** The number of a type that is made of several. */
export function typeNumber(types: readonly DataType[]): number {
  return types.reduce((number, type) => number << TYPE_BITS | TYPES[type].number, 0);
}

/** How nft(8) writes it, such as `inet_proto . inet_service`. */
export function typeText(types: readonly DataType[]): string {
  return types.join(" . ");
}

/** Registers of 32 bits that a part fills. */
export function typeWords(type: DataType): number {
  return Math.ceil(TYPES[type].bytes / WORD_BYTES);
}

/** Bytes of all parts, each filled up. */
export function typeBytes(types: readonly DataType[]): number {
  return types.reduce((sum, type) => sum + typeWords(type), 0) * WORD_BYTES;
}

/** The parts in a row, each filled up with zeros. */
export function joinParts(parts: readonly Uint8Array[]): Uint8Array<ArrayBuffer> {
  const padded = (part: Uint8Array) => Math.ceil(part.length / WORD_BYTES) * WORD_BYTES;
  const joined = new Uint8Array(parts.reduce((sum, part) => sum + padded(part), 0));
  let at = 0;
  for (const part of parts) {
    joined.set(part, at);
    at += padded(part);
  }
  return joined;
}

/**
 * The parts of a row.
 * @throws RangeError when it has another length than the types.
 */
export function splitParts(
  types: readonly DataType[],
  joined: Uint8Array,
): Uint8Array[] {
  if (joined.length !== typeBytes(types)) {
    throw new RangeError(`Cannot read "${typeText(types)}" from ${joined.length} bytes`);
  }
  let at = 0;
  return types.map((type) => {
    const part = joined.subarray(at, at + TYPES[type].bytes);
    at += typeWords(type) * WORD_BYTES;
    return part;
  });
}
