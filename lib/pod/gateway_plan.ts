/** The gateway addresses of a bridge: what is there against what the subnets of the pods want. */
import type { LinkAddress } from "../net/link.ts";
import { equalPrefixes, overlaps, type Prefix } from "../net/prefix.ts";
import { SCOPE_LINK } from "../net/route.ts";
import type { PodIp } from "./addresses.ts";

/** What has to happen to the addresses of a bridge; both lists are empty when all is well. */
export interface GatewayPlan {
  /** Addresses of another subnet that contradict a wanted one. */
  readonly stale: readonly Prefix[];
  readonly missing: readonly Prefix[];
  /** All that the subnets want. */
  readonly wanted: readonly Prefix[];
}

/**
 * Compares the addresses of a bridge with the gateways of a pod. Where a gateway is there already,
 * what is beside it was put there by somebody who knew of it: the daemon keeps the address of an
 * earlier subnet as long as pods are left that use it.
 */
export function diffGateways(
  ips: readonly PodIp[],
  bridgeAddresses: readonly LinkAddress[],
): GatewayPlan {
  const wanted = ips.flatMap(({ address, gateway }): Prefix[] =>
    gateway ? [{ address: gateway, length: address.length }] : []
  );
  const present = bridgeAddresses.filter(({ scope }) => scope !== SCOPE_LINK)
    .map(({ address }) => address);
  const isIn = (list: readonly Prefix[], one: Prefix) =>
    list.some((other) => equalPrefixes(other, one));
  const missing = wanted.filter((want) => !isIn(present, want));
  return {
    stale: present.filter((address) =>
      !isIn(wanted, address) && missing.some((want) => contradicts(want, address))
    ),
    missing,
    wanted,
  };
}

/** A bridge has one IPv4 address; IPv6 may have several as long as their subnets are apart. */
function contradicts(want: Prefix, present: Prefix): boolean {
  if (want.address.family !== present.address.family) return false;
  return want.address.family === 4 || overlaps(want, present);
}
