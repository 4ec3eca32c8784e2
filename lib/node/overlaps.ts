/** What a node's CIDRs must not meet: each address of a pod must lead to the pod. */
import { FAMILIES, type Family } from "../net/address.ts";
import {
  containsPrefix,
  equalPrefixes,
  formatPrefix,
  overlaps,
  parsePrefix,
  type Prefix,
  showPrefixes,
} from "../net/prefix.ts";
import { TAILNET_PREFIXES } from "../nft/masquerade.ts";

/** A route of the node that is neither ours nor leads to a pod of ours. */
export interface HostRoute {
  readonly destination: Prefix;
  readonly link: string | undefined;
  /** True when a router stands between. */
  readonly hasGateway: boolean;
}

/** The networks around the node's CIDRs. */
export interface Surroundings {
  readonly clusterCidrs: readonly Prefix[];
  readonly serviceCidrs: readonly Prefix[];
  readonly hostRoutes: readonly HostRoute[];
  /** What pods of this node have already: a route that comes later takes it from nobody. */
  readonly inUse: readonly Prefix[];
}

/** What is wrong with CIDRs, as texts of the form `"10.0.0.0/24": what, and what to do`. */
export interface PodCidrVerdict {
  /** With these, pods or others could not be reached: the CIDRs are not to be used. */
  readonly refused: readonly string[];
  /** With these, it depends on what else the node does. */
  readonly warnings: readonly string[];
}

/** Judges the CIDRs of a node before they are used. */
export function checkPodCidr(cidrs: readonly Prefix[], around: Surroundings): PodCidrVerdict {
  const faults = cidrs.map((cidr) => [
    ...checkSize(cidr),
    ...checkKnown(cidr, SPECIAL_PREFIXES),
    ...checkKnown(cidr, TAILNET_PREFIXES.map((prefix) => [prefix, "addresses of the tailnet"])),
    ...checkKnown(cidr, around.serviceCidrs.map((prefix) => [prefix, "addresses of services"])),
    ...checkCluster(cidr, around.clusterCidrs),
    ...isInUse(cidr, around) ? [] : checkLocalNetworks(cidr, around.hostRoutes),
  ]);
  return {
    refused: faults.flat(),
    warnings: [
      ...cidrs.filter((cidr) => isInUse(cidr, around))
        .flatMap((cidr) => checkLocalNetworks(cidr, around.hostRoutes)),
      ...cidrs.flatMap((cidr) => warnOfRoutes(cidr, around.hostRoutes)),
      ...warnOfCluster(around),
      ...warnOfFamilies(cidrs, around.clusterCidrs),
    ],
  };
}

function isInUse(cidr: Prefix, { inUse }: Surroundings): boolean {
  return inUse.some((other) => equalPrefixes(other, cidr));
}

/** The prefixes that are in none of the networks, where there is a network of their family. */
export function outsideOf(networks: readonly Prefix[], prefixes: readonly Prefix[]): Prefix[] {
  return prefixes.filter((prefix) => {
    const same = networks.filter((each) => each.address.family === prefix.address.family);
    return same.length > 0 && !same.some((network) => containsPrefix(network, prefix));
  });
}

/** Longest prefix with room for the network, the gateway, a pod and, in IPv4, the broadcast. */
const MAX_LENGTHS: Readonly<Record<Family, number>> = { 4: 30, 6: 126 };

type Known = readonly [prefix: Prefix, what: string];

/** Never of a pod: the registries of RFC 6890, and multicast of RFC 5771 and RFC 4291. */
const SPECIAL_PREFIXES: readonly Known[] = ([
  ["0.0.0.0/8", "addresses of this host"],
  ["127.0.0.0/8", "loopback addresses"],
  ["169.254.0.0/16", "link-local addresses"],
  ["224.0.0.0/3", "multicast or reserved addresses"],
  ["::/127", "loopback addresses"],
  ["fe80::/10", "link-local addresses"],
  ["ff00::/8", "multicast addresses"],
] as const).map(([text, what]) => [parsePrefix(text), what]);

function checkSize(cidr: Prefix): string[] {
  const max = MAX_LENGTHS[cidr.address.family];
  return cidr.length <= max ? [] : [`${show(cidr)}: no room for pods; /${max} or shorter wanted`];
}

function checkKnown(cidr: Prefix, known: readonly Known[]): string[] {
  return known.filter(([prefix]) => overlaps(prefix, cidr)).map(([prefix, what]) =>
    `${show(cidr)}: ${formatPrefix(prefix)} holds ${what}; use another network for pods`
  );
}

function checkCluster(cidr: Prefix, clusterCidrs: readonly Prefix[]): string[] {
  return outsideOf(clusterCidrs, [cidr]).map(() =>
    `${show(cidr)}: outside of the cluster's ${showPrefixes(clusterCidrs)}; ` +
    `see that network.podCIDR.base is the cluster's`
  );
}

/**
 * A network that the node is on, and that is wider than its CIDR: its hosts and the pods would have
 * the same addresses. One as wide or narrower may be what another CNI left, or a bridge of a delegate.
 */
function checkLocalNetworks(cidr: Prefix, routes: readonly HostRoute[]): string[] {
  return routes.filter((route) => isLocalNetwork(cidr, route)).map((route) =>
    `${show(cidr)}: inside of ${describe(route)}, to which this node is connected; ` +
    `use another network for pods`
  );
}

function warnOfRoutes(cidr: Prefix, routes: readonly HostRoute[]): string[] {
  return routes.filter((route) => isMet(cidr, route) && !isLocalNetwork(cidr, route)).map((route) =>
    containsPrefix(cidr, route.destination)
      ? `${show(cidr)}: traffic to ${describe(route)} does not reach pods; ` +
        `see whether another CNI left this route, or another node has the same CIDR`
      : `${show(cidr)}: inside of ${describe(route)}: what is there cannot be reached by this node`
  );
}

/** Every network meets a default route. */
function isMet(cidr: Prefix, { destination }: HostRoute): boolean {
  return destination.length > 0 && overlaps(cidr, destination);
}

function isLocalNetwork(cidr: Prefix, route: HostRoute): boolean {
  return isMet(cidr, route) && !route.hasGateway && route.destination.length < cidr.length;
}

/** What is wrong with the whole is wrong for some other node. */
function warnOfCluster({ clusterCidrs, serviceCidrs }: Surroundings): string[] {
  const others: Known[] = [
    ...TAILNET_PREFIXES.map((prefix): Known => [prefix, "addresses of the tailnet"]),
    ...serviceCidrs.map((prefix): Known => [prefix, "addresses of services"]),
  ];
  return clusterCidrs.flatMap((cluster) =>
    others.filter(([prefix]) => overlaps(prefix, cluster)).map(([prefix, what]) =>
      `the cluster's ${show(cluster)}: ${formatPrefix(prefix)} holds ${what}; ` +
      `some node may get them for its pods`
    )
  );
}

function warnOfFamilies(cidrs: readonly Prefix[], clusterCidrs: readonly Prefix[]): string[] {
  const has = (list: readonly Prefix[], family: Family) =>
    list.some(({ address }) => address.family === family);
  return FAMILIES.filter((family) => has(clusterCidrs, family) && !has(cidrs, family))
    .map((family) => `the cluster has IPv${family}, this node has no IPv${family} CIDR`);
}

function describe({ destination, link, hasGateway }: HostRoute): string {
  return `${formatPrefix(destination)}${hasGateway ? " by a router" : ""}` +
    `${link === undefined ? "" : ` on ${link}`}`;
}

function show(cidr: Prefix): string {
  return `"${formatPrefix(cidr)}"`;
}
