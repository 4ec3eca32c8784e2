import type { AddressSpan } from "../../lib/ipam/span.ts";
import { formatAddress } from "../../lib/net/address.ts";

/** `first-last`, or the address when it is only one. */
export function formatSpan({ first, last }: AddressSpan): string {
  const [from, to] = [formatAddress(first), formatAddress(last)];
  return from === to ? from : `${from}-${to}`;
}
