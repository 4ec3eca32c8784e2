/**
 * Datapath `ptp`: a routed link per pod and no layer 2 between pods. The pod has its address as /32
 * or /128 and reaches everything through the gateway address on the other end of its own link; the
 * node has a host route per pod.
 */
import { ConfigError } from "../errors.ts";
import type { Step } from "../host/step.ts";
import { type Address, distinctAddresses, formatAddress } from "../net/address.ts";
import { equalPrefixes, hostPrefix, networkOf } from "../net/prefix.ts";
import { type KernelRoute, SCOPE_LINK } from "../net/route.ts";
import { type PodAddressing, type PodIp, podMtu, podRoutes } from "./addresses.ts";
import type { PodNetwork } from "./config.ts";
import type { NodeFacts, PodIdentity } from "./facts.ts";
import { addPodLink, addPodRoutes, bringUp } from "./plan_link.ts";

/**
 * The steps that hang a pod on the node, in order.
 * @throws ConfigError when an address has no gateway, which this datapath cannot do without.
 */
export function planPtpPod(
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
    ...planPodRoutes(addressing, gateways, key.ifname, facts.podRoutes),
  ];
}

/**
 * To the gateway directly; to the rest of the subnet, and wherever IPAM says, through it. What a
 * pod reaches through a gateway by another link of its own (a second attachment to the network)
 * stays with that link.
 */
function planPodRoutes(
  addressing: PodAddressing,
  gateways: readonly Address[],
  link: string,
  present: readonly KernelRoute[],
): Step[] {
  const isTaken = (gateway: Address | undefined) =>
    gateway !== undefined &&
    present.some(({ destination }) => equalPrefixes(destination, hostPrefix(gateway)));
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
  const through = [...subnets, ...podRoutes(addressing, link)];
  return addPodRoutes([...direct, ...through.filter(({ gateway }) => !isTaken(gateway))]);
}

function gatewaysOf(ips: readonly PodIp[]): Address[] {
  return distinctAddresses(ips.map(({ address, gateway }) => {
    if (gateway) return gateway;
    throw new ConfigError(
      "invalid-config",
      `Cannot attach "${formatAddress(address.address)}" by datapath "ptp": it has no gateway; ` +
        `name one in ipam or leave isGateway at true`,
    );
  }));
}
