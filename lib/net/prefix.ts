import { ConfigError } from "../errors.ts";
import {
  type Address,
  equalAddresses,
  FAMILY_BITS,
  formatAddress,
  tryParseAddress,
} from "./address.ts";

/**
 * An address with a prefix length. As an interface address (`10.244.0.5/24`) it has host bits, as
 * a network (`10.244.0.0/24`) it has none: {@linkcode networkOf} turns the first into the second.
 */
export interface Prefix {
  readonly address: Address;
  /** 0 to 32 (IPv4) or 128 (IPv6). */
  readonly length: number;
}

/**
 * Reads `address/length`; host bits are kept.
 * @throws ConfigError when the text is anything else.
 */
export function parsePrefix(text: string): Prefix {
  const prefix = tryParsePrefix(text);
  if (!prefix) {
    throw new ConfigError("invalid-config", `Cannot parse prefix "${text}": not an IP prefix`);
  }
  return prefix;
}

/** {@linkcode parsePrefix} that answers undefined for a malformed text. */
export function tryParsePrefix(text: string): Prefix | undefined {
  const slash = text.indexOf("/");
  if (slash < 0) return undefined;
  const address = tryParseAddress(text.slice(0, slash));
  const digits = text.slice(slash + 1);
  if (!address || !/^(0|[1-9][0-9]{0,2})$/.test(digits)) return undefined;
  const length = Number(digits);
  return length <= FAMILY_BITS[address.family] ? { address, length } : undefined;
}

/** `address/length`, host bits kept. */
export function formatPrefix(prefix: Prefix): string {
  return `${formatAddress(prefix.address)}/${prefix.length}`;
}

/** The prefix without its host bits. */
export function networkOf(prefix: Prefix): Prefix {
  const value = prefix.address.value & ~hostMask(prefix);
  return { address: { family: prefix.address.family, value }, length: prefix.length };
}

/** The last address of the network: the broadcast address of an IPv4 subnet. */
export function lastAddress(prefix: Prefix): Address {
  return {
    family: prefix.address.family,
    value: networkOf(prefix).address.value | hostMask(prefix),
  };
}

/** True when host bits are set, as in `10.244.0.5/24`. */
export function hasHostBits(prefix: Prefix): boolean {
  return (prefix.address.value & hostMask(prefix)) !== 0n;
}

/** True when the address lies in the network of the prefix. */
export function containsAddress(prefix: Prefix, address: Address): boolean {
  if (prefix.address.family !== address.family) return false;
  return (address.value & ~hostMask(prefix)) === networkOf(prefix).address.value;
}

/** True when every address of the second network is in the first. */
export function containsPrefix(outer: Prefix, inner: Prefix): boolean {
  return inner.length >= outer.length && containsAddress(outer, inner.address);
}

/** True when the two networks share an address. */
export function overlaps(a: Prefix, b: Prefix): boolean {
  return containsAddress(a, networkOf(b).address) || containsAddress(b, networkOf(a).address);
}

/** True when both have the same address, host bits included, and the same length. */
export function equalPrefixes(a: Prefix, b: Prefix): boolean {
  return a.length === b.length && equalAddresses(a.address, b.address);
}

/** Each prefix once, in the order in which they come first. */
export function distinctPrefixes(prefixes: readonly Prefix[]): Prefix[] {
  return prefixes.filter((one, index) =>
    prefixes.findIndex((other) => equalPrefixes(one, other)) === index
  );
}

/** True when both lists hold the same prefixes, in whatever order; each list holds each once. */
export function equalPrefixSets(some: readonly Prefix[], others: readonly Prefix[]): boolean {
  return some.length === others.length &&
    some.every((one) => others.some((other) => equalPrefixes(one, other)));
}

/** As an error text shows them: each in quotes, with commas. */
export function showPrefixes(prefixes: readonly Prefix[]): string {
  return prefixes.map((prefix) => `"${formatPrefix(prefix)}"`).join(", ");
}

/** The whole address as a prefix: /32 or /128. */
export function hostPrefix(address: Address): Prefix {
  return { address, length: FAMILY_BITS[address.family] };
}

/** How many host bits are ones: 2^(bits - length) - 1. */
function hostMask(prefix: Prefix): bigint {
  return (1n << BigInt(FAMILY_BITS[prefix.address.family] - prefix.length)) - 1n;
}
