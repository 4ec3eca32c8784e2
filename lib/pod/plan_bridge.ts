/**
 * Datapath `bridge`: pods are ports of one bridge, which carries the gateway addresses.
 * Leaves out VLANs and MAC spoof checks.
 */
import { ConfigError } from "../errors.ts";
import type { Step } from "../host/step.ts";
import { distinctAddresses } from "../net/address.ts";
import type { Link } from "../net/link.ts";
import { macFromAddress } from "../net/mac.ts";
import { containsAddress, formatPrefix, hostPrefix, networkOf } from "../net/prefix.ts";
import { SCOPE_LINK } from "../net/route.ts";
import { type PodAddressing, type PodIp, podMtu, podRoutes } from "./addresses.ts";
import type { PodNetwork } from "./config.ts";
import type { NodeFacts, PodIdentity } from "./facts.ts";
import { diffGateways } from "./gateway_plan.ts";
import {
  addPodLink,
  addPodRoutes,
  bringUp,
  forwardingSysctls,
  ipv6LinkSysctls,
} from "./plan_link.ts";

/** The steps that hang a pod on the bridge, in order. */
export function planBridgePod(
  network: PodNetwork,
  identity: PodIdentity,
  addressing: PodAddressing,
  facts: NodeFacts,
): Step[] {
  const { ips } = addressing;
  const { hostLink } = identity;
  return [
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
    ...planPodRoutes(addressing, identity.key.ifname),
  ];
}

/**
 * The bridge itself: made on first use, its addresses reconciled with the subnets.
 * @throws ConfigError when the bridge's name is taken by another kind of link, or the bridge has an
 * address that contradicts the wanted one and may not be replaced.
 */
export function planBridge(
  network: PodNetwork,
  { ips }: PodAddressing,
  facts: NodeFacts,
): Step[] {
  requireBridge(network, facts.bridge);
  const { bridge } = network;
  const steps: Step[] = [];
  const [first] = ips;
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

/** Throws ConfigError when a link that is no bridge has the bridge's name. */
export function requireBridge(
  { bridge }: Pick<PodNetwork, "bridge">,
  present: Link | undefined,
): void {
  if (!present || present.linkKind === "bridge") return;
  throw new ConfigError(
    "invalid-config",
    `Cannot use bridge "${bridge}": a link of that name is there and is no bridge; ` +
      `choose another name with the key "bridge"`,
  );
}

/** Adds the gateway addresses; an address of an earlier subnet is replaced where that is safe. */
function planGateways(network: PodNetwork, ips: readonly PodIp[], facts: NodeFacts): Step[] {
  const { stale, missing, wanted } = diffGateways(ips, facts.bridgeAddresses);
  if (stale.length > 0 && facts.isBridgeInUse && !network.forceAddress) {
    const has = stale.map(formatPrefix).join(", ");
    throw new ConfigError(
      "invalid-config",
      `Cannot use bridge "${network.bridge}": it has address ${has} and pods on it, ` +
        `but the subnet wants ${wanted.map(formatPrefix).join(", ")}`,
      { details: `remove the pods, or set "forceAddress": true to replace the address under them` },
    );
  }
  const place = "host";
  const link = network.bridge;
  return [
    ...stale.map((address): Step => ({ kind: "remove-address", place, link, address })),
    ...missing.map((address): Step => ({ kind: "add-address", place, link, address })),
  ];
}

/** A gateway outside the pod's subnet is reached by a link route of its own. */
function planPodRoutes(addressing: PodAddressing, link: string): Step[] {
  const offLink = addressing.ips.flatMap(({ address, gateway }) =>
    gateway && !containsAddress(address, gateway) ? [gateway] : []
  );
  const direct = distinctAddresses(offLink)
    .map((gateway) => ({ destination: hostPrefix(gateway), link, scope: SCOPE_LINK }));
  return addPodRoutes([...direct, ...podRoutes(addressing, link)]);
}
