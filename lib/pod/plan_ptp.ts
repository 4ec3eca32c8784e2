/**
 * Datapath `ptp`: a routed link per pod and no layer 2 between pods. The pod has its address as /32
 * or /128 and reaches everything through the gateway address on the other end of its own link; the
 * node has a host route per pod.
 */
import { ConfigError } from "../errors.ts";
import type { Step } from "../host/step.ts";
import { type Address, equalAddresses, formatAddress } from "../net/address.ts";
import { hostPrefix, networkOf } from "../net/prefix.ts";
import { SCOPE_LINK } from "../net/route.ts";
import { type PodAddressing, type PodIp, podMtu, podRoutes } from "./addresses.ts";
import type { PodNetwork } from "./config.ts";
import type { NodeFacts, PodIdentity } from "./facts.ts";
import { addPodLink, bringUp, forwardingSysctls } from "./plan_link.ts";

/**
 * The steps of ADD, in order.
 * @throws ConfigError when an address has no gateway, which this datapath cannot do without.
 */
export function planPtp(
  network: PodNetwork,
  identity: PodIdentity,
  addressing: PodAddressing,
  facts: NodeFacts,
): Step[] {
  const { ips } = addressing;
  const gateways = gatewaysOf(ips);
  const { key, hostLink } = identity;
  return [
    ...addPodLink(network, identity, ips, podMtu(network, facts.uplinkMtuBytes)),
    ...forwardingSysctls(ips),
    ...bringUp(identity),
    ...gateways.map((gateway): Step => ({
      kind: "add-address",
      place: "host",
      link: hostLink,
      address: hostPrefix(gateway),
    })),
    ...ips.map(({ address }): Step => ({
      kind: "add-route",
      place: "host",
      route: {
        destination: hostPrefix(address.address),
        link: hostLink,
        scope: SCOPE_LINK,
      },
    })),
    ...ips.map(({ address }): Step => ({
      kind: "add-address",
      place: "pod",
      link: key.ifname,
      address: hostPrefix(address.address),
    })),
    ...planPodRoutes(addressing, gateways, key.ifname),
  ];
}

/** To the gateway directly; to the rest of the subnet, and wherever IPAM says, through it. */
function planPodRoutes(
  addressing: PodAddressing,
  gateways: readonly Address[],
  link: string,
): Step[] {
  const direct = gateways.map((gateway) => ({
    destination: hostPrefix(gateway),
    link,
    scope: SCOPE_LINK,
  }));
  const subnets = addressing.ips.flatMap(({ address, gateway }) =>
    gateway && address.length < hostPrefix(gateway).length
      ? [{ destination: networkOf(address), gateway, link }]
      : []
  );
  return [...direct, ...subnets, ...podRoutes(addressing, link)]
    .map((route): Step => ({ kind: "add-route", place: "pod", route }));
}

function gatewaysOf(ips: readonly PodIp[]): Address[] {
  const gateways: Address[] = [];
  for (const { address, gateway } of ips) {
    if (!gateway) {
      throw new ConfigError(
        "invalid-config",
        `Cannot attach "${formatAddress(address.address)}" by datapath "ptp": it has no gateway; ` +
          `name one in ipam or leave isGateway at true`,
      );
    }
    if (!gateways.some((other) => equalAddresses(other, gateway))) gateways.push(gateway);
  }
  return gateways;
}
