import type { Result } from "../cni/result.ts";
import type { Step } from "../host/step.ts";
import { formatMac, type Mac } from "../net/mac.ts";
import { hostPrefix, networkOf, type Prefix } from "../net/prefix.ts";
import { type Masquerade, TAILNET_PREFIXES } from "../nft/masquerade.ts";
import type { PodAddressing } from "./addresses.ts";
import type { PodNetwork } from "./config.ts";
import type { NodeFacts, PodIdentity } from "./facts.ts";
import { planBridge, planBridgePod } from "./plan_bridge.ts";
import { forwardingSysctls } from "./plan_link.ts";
import { planPtpPod } from "./plan_ptp.ts";

/**
 * The steps that make the node ready for the pod: shared by all pods, each safe to repeat.
 * @throws ConfigError when something on the node contradicts the network.
 */
export function planNode(
  network: PodNetwork,
  addressing: PodAddressing,
  facts: NodeFacts,
): Step[] {
  if (network.datapath === "bridge") return planBridge(network, addressing, facts);
  return forwardingSysctls(addressing.ips);
}

/** The steps that hang the pod on the node, after those of {@linkcode planNode}. */
export function planPod(
  network: PodNetwork,
  identity: PodIdentity,
  addressing: PodAddressing,
  facts: NodeFacts,
): Step[] {
  const plan = network.datapath === "ptp" ? planPtpPod : planBridgePod;
  return plan(network, identity, addressing, facts);
}

/**
 * What the node masquerades for pods of these addresses, and what it leaves alone; undefined when
 * the network is not to be masqueraded.
 */
export function planMasquerade(
  network: PodNetwork,
  addresses: readonly Prefix[],
): Masquerade | undefined {
  if (!network.ipMasq) return undefined;
  return {
    sources: addresses.map(networkOf),
    exempt: [
      ...network.exemptPrefixes.map(networkOf),
      ...network.ipMasqTailnet ? [] : TAILNET_PREFIXES,
    ],
  };
}

/** What the kernel made of the plan. */
export interface Attached {
  readonly mtuBytes: number;
  /** Path of the pod's namespace. */
  readonly netns: string;
  readonly bridgeMac: Mac | undefined;
  readonly hostMac: Mac | undefined;
  readonly podMac: Mac | undefined;
}

/** The result of ADD: interfaces host side first, addresses pointing at the pod's. */
export function podResult(
  network: PodNetwork,
  { key, hostLink }: PodIdentity,
  { ips, routes }: PodAddressing,
  attached: Attached,
): Omit<Result, "dns"> {
  const named = (name: string, mac: Mac | undefined) => ({
    name,
    ...mac && { mac: formatMac(mac) },
  });
  const { mtuBytes: mtu, netns: sandbox } = attached;
  const interfaces = [
    ...network.datapath === "bridge" ? [named(network.bridge, attached.bridgeMac)] : [],
    { ...named(hostLink, attached.hostMac), mtu },
    { ...named(key.ifname, attached.podMac), mtu, sandbox },
  ];
  return {
    interfaces,
    ips: ips.map(({ address, gateway }) => ({
      address: network.datapath === "ptp" ? hostPrefix(address.address) : address,
      ...gateway && { gateway },
      interface: interfaces.length - 1,
    })),
    routes,
  };
}
