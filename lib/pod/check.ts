/** What CHECK compares: the runtime's memory of ADD against the kernel. */
import type { Result, ResultIp, ResultRoute } from "../cni/result.ts";
import { equalAddresses, type Family, formatAddress } from "../net/address.ts";
import type { Link, LinkAddress } from "../net/link.ts";
import { formatMac } from "../net/mac.ts";
import { equalPrefixes, formatPrefix, hostPrefix, networkOf } from "../net/prefix.ts";
import type { KernelRoute } from "../net/route.ts";
import type { PodNetwork } from "./config.ts";
import type { PodIdentity } from "./facts.ts";

/** What is looked at of a network. */
export type CheckedNetwork = Pick<PodNetwork, "datapath" | "bridge" | "isGateway">;

/** The kernel's side of an attachment. */
export interface AttachmentFacts {
  readonly bridge: Link | undefined;
  readonly hostLink: Link | undefined;
  /** Addresses of the bridge, or with datapath `ptp` of the host link: the gateways are there. */
  readonly gatewayAddresses: readonly LinkAddress[];
  /** Routes of the node by the host link. */
  readonly hostRoutes: readonly KernelRoute[];
  /** Families that the node does not forward although pods have them. */
  readonly notForwarded: readonly Family[];
  readonly podLink: Link | undefined;
  readonly podAddresses: readonly LinkAddress[];
  /** Routes of the pod by any link. */
  readonly podRoutes: readonly KernelRoute[];
}

/**
 * Tells what is missing or different, one text each; an empty list means all is well. What later
 * plugins of a chain added (addresses, routes, an MTU of their own) is no difference.
 */
export function diffAttachment(
  network: CheckedNetwork,
  identity: PodIdentity,
  expected: Result,
  facts: AttachmentFacts,
): string[] {
  const { ifname } = identity.key;
  if (!facts.hostLink) return [`host link ${identity.hostLink} is missing`];
  const { podLink } = facts;
  if (!podLink) return [`link ${ifname} is missing in the pod`];
  return [
    ...diffLinks(network, identity, expected, facts, facts.hostLink, podLink),
    ...diffNode(network, identity, ownIps(expected, ifname), facts),
    ...ownIps(expected, ifname)
      .filter((ip) => !facts.podAddresses.some(({ address }) => equalPrefixes(address, ip.address)))
      .map((ip) => `address ${formatPrefix(ip.address)} is missing on ${ifname}`),
    ...expected.routes
      .filter((route) => !facts.podRoutes.some((present) => isSameRoute(route, present, podLink)))
      .map((route) => `route ${formatRoute(route)} is missing in the pod`),
  ];
}

function diffLinks(
  network: CheckedNetwork,
  identity: PodIdentity,
  expected: Result,
  facts: AttachmentFacts,
  hostLink: Link,
  podLink: Link,
): string[] {
  const { ifname } = identity.key;
  const differences: string[] = [];
  if (!hostLink.up) differences.push(`host link ${hostLink.name} is down`);
  if (!podLink.up) differences.push(`link ${ifname} is down in the pod`);
  if (hostLink.peerIndex !== undefined && hostLink.peerIndex !== podLink.index) {
    differences.push(`link ${ifname} of the pod is not the other end of ${hostLink.name}`);
  }
  const mac = expected.interfaces.find(({ name, sandbox }) => name === ifname && sandbox)?.mac;
  if (mac && podLink.mac && formatMac(podLink.mac) !== mac.toLowerCase()) {
    differences.push(`link ${ifname} has MAC ${formatMac(podLink.mac)} instead of ${mac}`);
  }
  if (network.datapath === "bridge") {
    if (!facts.bridge) differences.push(`bridge ${network.bridge} is missing`);
    else if (hostLink.masterIndex !== facts.bridge.index) {
      differences.push(`host link ${hostLink.name} is not a port of bridge ${network.bridge}`);
    } else if (!facts.bridge.up) differences.push(`bridge ${network.bridge} is down`);
  }
  return differences;
}

/** The node's side of the addresses: their gateways, and with datapath `ptp` the routes to them. */
function diffNode(
  network: CheckedNetwork,
  { hostLink }: PodIdentity,
  ips: readonly ResultIp[],
  { gatewayAddresses, hostRoutes, notForwarded }: AttachmentFacts,
): string[] {
  const isPtp = network.datapath === "ptp";
  const isRouter = isPtp || network.isGateway;
  const gateways = isRouter ? ips.flatMap(({ gateway }) => gateway ?? []) : [];
  const destinations = isPtp ? ips.map(({ address }) => hostPrefix(address.address)) : [];
  return [
    ...gateways
      .filter((want) =>
        !gatewayAddresses.some(({ address }) => equalAddresses(address.address, want))
      )
      .map((want) =>
        `gateway ${formatAddress(want)} is missing on ${isPtp ? hostLink : network.bridge}`
      ),
    ...destinations
      .filter((want) => !hostRoutes.some(({ destination }) => equalPrefixes(destination, want)))
      .map((want) => `the node has no route to ${formatPrefix(want)} by ${hostLink}`),
    ...notForwarded.filter((family) => isRouter && hasFamily(ips, family))
      .map((family) => `the node does not forward IPv${family}`),
  ];
}

/** Addresses that the result places on the pod's interface, or on none in particular. */
export function ownIps(expected: Result, ifname: string): ResultIp[] {
  return expected.ips.filter((ip) => {
    if (ip.interface === undefined) return true;
    const on = expected.interfaces[ip.interface];
    return on === undefined || (on.name === ifname && on.sandbox !== undefined);
  });
}

/** By another link of the pod any route will do: other plugins have their own, and the first wins. */
function isSameRoute(want: ResultRoute, present: KernelRoute, podLink: Link): boolean {
  if (!equalPrefixes(networkOf(want.dst), present.destination)) return false;
  if (want.table !== undefined && want.table !== present.table) return false;
  if (want.priority !== undefined && want.priority !== present.priority) return false;
  if (!want.gw || present.linkIndex !== podLink.index) return true;
  // A route of scope link names a gateway in the result, but the kernel's has none.
  return !present.gateway || equalAddresses(want.gw, present.gateway);
}

function hasFamily(ips: readonly ResultIp[], family: Family): boolean {
  return ips.some(({ address }) => address.address.family === family);
}

function formatRoute(route: ResultRoute): string {
  return `${formatPrefix(route.dst)}${route.gw ? ` via ${formatAddress(route.gw)}` : ""}`;
}
