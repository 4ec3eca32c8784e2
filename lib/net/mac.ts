import { type Address, addressBytes, addressFromBytes } from "./address.ts";
import type { Prefix } from "./prefix.ts";

/** A 48-bit hardware address: six bytes in wire order. */
export type Mac = Uint8Array<ArrayBuffer>;

/**
 * Reads `aa:bb:cc:dd:ee:ff` (or with `-`), in either case; undefined for anything else, and for a
 * multicast address, which no interface may have (IEEE 802: lowest bit of the first byte).
 */
export function tryParseMac(text: string): Mac | undefined {
  if (!/^[0-9a-f]{2}([:-])(?:[0-9a-f]{2}\1){4}[0-9a-f]{2}$/i.test(text)) return undefined;
  const mac = Uint8Array.from(text.split(/[:-]/), (byte) => parseInt(byte, 16));
  return (mac[0] ?? 0) & 1 ? undefined : mac;
}

/** Lower-case `aa:bb:cc:dd:ee:ff`. */
export function formatMac(mac: Uint8Array): string {
  return Array.from(mac, (byte) => byte.toString(16).padStart(2, "0")).join(":");
}

/**
 * A locally administered MAC made of an address: `0a:58` and the last four bytes, as Kubernetes'
 * own bridge plugins have long done. One address, one MAC: neighbours' caches stay right when an
 * address moves to another pod.
 */
export function macFromAddress(address: Address): Mac {
  return Uint8Array.from([0x0a, 0x58, ...addressBytes(address).slice(-4)]);
}

/**
 * The link-local address that the kernel gives to an Ethernet interface, with its prefix length:
 * RFC 2464 section 5, RFC 4291 appendix A.
 */
export function linkLocalFromMac(mac: Mac): Prefix {
  const [first = 0, second = 0, third = 0, ...rest] = mac;
  const universalBit = 0x02;
  const interfaceId = [first ^ universalBit, second, third, 0xff, 0xfe, ...rest];
  const bytes = Uint8Array.of(0xfe, 0x80, 0, 0, 0, 0, 0, 0, ...interfaceId);
  return { address: addressFromBytes(bytes), length: 64 };
}
