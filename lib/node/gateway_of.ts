import { addOffset } from "../net/address.ts";
import { networkOf, type Prefix } from "../net/prefix.ts";

/** The first address of a network of pods, which our plugin gives to the bridge of its node. */
export function gatewayOf(cidr: Prefix): Prefix {
  return { address: addOffset(networkOf(cidr).address, 1n), length: cidr.length };
}
