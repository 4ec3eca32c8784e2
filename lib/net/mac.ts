import { type Address, addressBytes } from "./address.ts";

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
