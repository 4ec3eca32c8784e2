import ipaddr from "ipaddr.js";
import { ConfigError } from "../errors.ts";

/** IP version. */
export type Family = 4 | 6;

/** Both IP versions, in the order in which we handle them. */
export const FAMILIES: readonly Family[] = [4, 6];

/** Width of an address in bits, by family. */
export const FAMILY_BITS: Readonly<Record<Family, number>> = { 4: 32, 6: 128 };

/** An IP address as a number in network order, so that ranges are arithmetic. */
export interface Address {
  readonly family: Family;
  /** 0 to 2^32-1 (IPv4) or 2^128-1 (IPv6). */
  readonly value: bigint;
}

/**
 * Reads a literal IPv4 (four decimal parts) or IPv6 address, without a zone.
 * @throws ConfigError when the text is anything else.
 */
export function parseAddress(text: string): Address {
  const address = tryParseAddress(text);
  if (!address) {
    throw new ConfigError("invalid-config", `Cannot parse address "${text}": not an IP address`);
  }
  return address;
}

/** {@linkcode parseAddress} that answers undefined for a malformed text. */
export function tryParseAddress(text: string): Address | undefined {
  // Not by ipaddr.js, whose patterns take a plugin call 0.2 ms to compile.
  const octets = text.split(".");
  if (octets.length === 4 && octets.every(isOctet)) {
    return addressFromBytes(Uint8Array.from(octets, Number));
  }
  if (!text.includes(":") || text.includes("%") || !ipaddr.IPv6.isValid(text)) return undefined;
  return addressFromBytes(Uint8Array.from(ipaddr.IPv6.parse(text).toByteArray()));
}

/** Canonical text: dotted decimal, or RFC 5952. */
export function formatAddress(address: Address): string {
  const bytes = Array.from(addressBytes(address));
  if (address.family === 4) return bytes.join(".");
  return new ipaddr.IPv6(bytes).toRFC5952String();
}

/** The address in network byte order: 4 or 16 bytes. */
export function addressBytes(address: Address): Uint8Array<ArrayBuffer> {
  const length = FAMILY_BITS[address.family] / 8;
  const bytes = new Uint8Array(length);
  let rest = address.value;
  for (let i = length - 1; i >= 0; i--) {
    bytes[i] = Number(rest & 0xffn);
    rest >>= 8n;
  }
  return bytes;
}

/**
 * The address that 4 or 16 bytes in network order stand for.
 * @throws RangeError for any other length.
 */
export function addressFromBytes(bytes: Uint8Array): Address {
  if (bytes.length !== 4 && bytes.length !== 16) {
    throw new RangeError(`Cannot read an address of ${bytes.length} bytes: 4 or 16 are needed`);
  }
  let value = 0n;
  for (const byte of bytes) value = (value << 8n) | BigInt(byte);
  return { family: bytes.length === 4 ? 4 : 6, value };
}

/** True when both are the same address. */
export function equalAddresses(a: Address, b: Address): boolean {
  return a.family === b.family && a.value === b.value;
}

/** Each address once, in the order in which they come first. */
export function distinctAddresses(addresses: readonly Address[]): Address[] {
  return addresses.filter((one, index) =>
    addresses.findIndex((other) => equalAddresses(one, other)) === index
  );
}

/** True when the address is of the family of both ends and between them, or one of them. */
export function isBetween(address: Address, first: Address, last: Address): boolean {
  return address.family === first.family && first.value <= address.value &&
    address.value <= last.value;
}

/** The address `offset` further on (or back, when negative); not bounded by the family. */
export function addOffset(address: Address, offset: bigint): Address {
  return { family: address.family, value: address.value + offset };
}

/** True for a decimal number of one byte, without leading zeros. */
function isOctet(text: string): boolean {
  return /^(0|[1-9][0-9]{0,2})$/.test(text) && Number(text) <= 255;
}
