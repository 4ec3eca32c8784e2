/**
 * Datapath `bridge`: pods are ports of one bridge, which carries the gateway addresses.
 * Leaves out VLANs and MAC spoof checks.
 */
import { ConfigError } from "../errors.ts";
import type { Step } from "../host/step.ts";
import { equalAddresses } from "../net/address.ts";
import { macFromAddress } from "../net/mac.ts";
import {
  equalPrefixes,
  formatPrefix,
  hostPrefix,
  networkOf,
  overlaps,
  type Prefix,
} from "../net/prefix.ts";
import { SCOPE_LINK } from "../net/route.ts";
import { podIps, podMtu, podRoutes } from "./addresses.ts";
import type { PodNetwork } from "./config.ts";
import type { NodeFacts, PodAddresses, PodIdentity } from "./facts.ts";
import { addPodLink, bringUp, forwardingSysctls, ipv6LinkSysctls } from "./plan_link.ts";

/**
 * The steps of ADD, in order.
 * @throws ConfigError when the bridge's name is taken by another kind of link, or the bridge has an
 * address that contradicts the wanted one and may not be replaced.
 */
export function planBridge(
  network: PodNetwork,
  identity: PodIdentity,
  answer: PodAddresses,
  facts: NodeFacts,
): Step[] {
  const ips = podIps(network, answer);
  const { hostLink } = identity;
  return [
    ...planBridgeLink(network, ips, facts),
    ...addPodLink(network, identity, ips, podMtu(network, facts.uplinkMtuBytes)),
    { kind: "set-link", place: "host", name: hostLink, master: network.bridge },
    {
      kind: "set-bridge-port",
      name: hostLink,
      hairpin: network.hairpinMode && !network.promiscMode,
      isolated: network.portIsolation,
    },
    ...bringUp(identity),
    ...ips.map(({ address }): Step => ({
      kind: "add-address",
      place: "pod",
      link: identity.key.ifname,
      address,
    })),
    ...planPodRoutes(network, identity, answer),
  ];
}

/** The bridge itself: made on first use, its addresses reconciled with the subnets. */
function planBridgeLink(
  network: PodNetwork,
  ips: ReturnType<typeof podIps>,
  facts: NodeFacts,
): Step[] {
  const { bridge } = network;
  if (facts.bridge && facts.bridge.linkKind !== "bridge") {
    throw new ConfigError(
      "invalid-config",
      `Cannot use bridge "${bridge}": a link of that name is there and is no bridge; ` +
        `choose another name with the key "bridge"`,
    );
  }
  const steps: Step[] = [];
  const first = ips[0];
  if (!facts.bridge && first) {
    const mac = macFromAddress(first.gateway ?? networkOf(first.address).address);
    const mtuBytes = podMtu(network, facts.uplinkMtuBytes);
    steps.push({ kind: "add-bridge", name: bridge, mtuBytes, mac });
  } else if (!facts.bridge?.up) {
    steps.push({ kind: "set-link", place: "host", name: bridge, up: true });
  }
  // Also for a bridge that is there: the ADD that made it may have been killed right after.
  steps.push(...ipv6LinkSysctls(bridge));
  if (network.promiscMode && !facts.bridge?.promiscuous) {
    steps.push({ kind: "set-link", place: "host", name: bridge, promiscuous: true });
  }
  if (network.isGateway) {
    steps.push(...planGateways(network, ips, facts), ...forwardingSysctls(ips));
  }
  return steps;
}

/** Adds the gateway addresses; an address of an earlier subnet is replaced where that is safe. */
function planGateways(
  network: PodNetwork,
  ips: ReturnType<typeof podIps>,
  facts: NodeFacts,
): Step[] {
  const wanted = ips.flatMap(({ address, gateway }): Prefix[] =>
    gateway ? [{ address: gateway, length: address.length }] : []
  );
  const present = facts.bridgeAddresses
    .filter(({ scope }) => scope !== SCOPE_LINK)
    .map(({ address }) => address);
  const stale = present.filter((address) =>
    !wanted.some((want) => equalPrefixes(want, address)) &&
    wanted.some((want) => contradicts(want, address))
  );
  if (stale.length > 0 && !network.forceAddress && facts.bridgeHasPorts()) {
    throw new ConfigError(
      "invalid-config",
      `Cannot use bridge "${network.bridge}": it has address ${
        stale.map(formatPrefix).join(", ")
      } ` +
        `and pods on it, but the subnet wants ${wanted.map(formatPrefix).join(", ")}`,
      { details: `remove the pods, or set "forceAddress": true to replace the address under them` },
    );
  }
  const place = "host";
  const link = network.bridge;
  return [
    ...stale.map((address): Step => ({ kind: "remove-address", place, link, address })),
    ...wanted.filter((want) => !present.some((address) => equalPrefixes(want, address)))
      .map((address): Step => ({ kind: "add-address", place, link, address })),
  ];
}

/** A bridge has one IPv4 address; IPv6 may have several as long as their subnets are apart. */
function contradicts(want: Prefix, present: Prefix): boolean {
  if (want.address.family !== present.address.family) return false;
  return want.address.family === 4 || overlaps(want, present);
}

/** A gateway outside the pod's subnet is reached by a link route of its own. */
function planPodRoutes(
  network: PodNetwork,
  identity: PodIdentity,
  answer: PodAddresses,
): Step[] {
  const link = identity.key.ifname;
  const routes = podRoutes(network, answer, link);
  const offLink = podIps(network, answer).flatMap(({ address, gateway }) =>
    gateway && !overlaps(address, hostPrefix(gateway)) ? [gateway] : []
  );
  return [
    ...offLink.filter((gateway, at) =>
      offLink.findIndex((other) => equalAddresses(other, gateway)) === at
    ).map((gateway): Step => ({
      kind: "add-route",
      place: "pod",
      route: { destination: hostPrefix(gateway), link, scope: SCOPE_LINK },
    })),
    ...routes.map((route): Step => ({ kind: "add-route", place: "pod", route })),
  ];
}
