/** Stretches of addresses as people write them. */
import { type Address, isBetween, tryParseAddress } from "../net/address.ts";
import { lastAddress, networkOf, tryParsePrefix } from "../net/prefix.ts";

/** Addresses of one family; both ends belong to it, and `first` is not above `last`. */
export interface AddressSpan {
  readonly first: Address;
  readonly last: Address;
}

/**
 * Reads a network (`10.0.0.0/28`; host bits are dropped), two ends (`10.0.0.1-10.0.0.9`) or one
 * address; undefined for anything else, such as ends in the wrong order or of two families.
 */
export function tryParseSpan(text: string): AddressSpan | undefined {
  const network = tryParsePrefix(text);
  if (network) return { first: networkOf(network).address, last: lastAddress(network) };
  const [first, last, ...more] = text.split("-").map((end) => tryParseAddress(end.trim()));
  if (!first || more.length > 0) return undefined;
  if (!text.includes("-")) return { first, last: first };
  return last && last.family === first.family && first.value <= last.value
    ? { first, last }
    : undefined;
}

/** True when the address lies in the span. */
export function isInSpan({ first, last }: AddressSpan, address: Address): boolean {
  return isBetween(address, first, last);
}
