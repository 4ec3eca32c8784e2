import type { Result } from "../cni/result.ts";
import type { Step } from "../host/step.ts";
import { type Masquerade, TAILNET_PREFIXES } from "../nft/masquerade.ts";
import { formatMac } from "../net/mac.ts";
import { hostPrefix, networkOf } from "../net/prefix.ts";
import { podIps, podMtu, resultRoutes } from "./addresses.ts";
import type { PodNetwork } from "./config.ts";
import type { NodeFacts, PodAddresses, PodIdentity } from "./facts.ts";
import { planBridge } from "./plan_bridge.ts";
import { planPtp } from "./plan_ptp.ts";

/** The steps that attach a pod, by datapath. */
export function planAdd(
  network: PodNetwork,
  identity: PodIdentity,
  answer: PodAddresses,
  facts: NodeFacts,
): Step[] {
  const plan = network.datapath === "ptp" ? planPtp : planBridge;
  return plan(network, identity, answer, facts);
}

/** Sources and exemptions of the pod's network; undefined when it is not to be masqueraded. */
export function planMasquerade(
  network: PodNetwork,
  answer: PodAddresses,
): Masquerade | undefined {
  if (!network.ipMasq) return undefined;
  return {
    sources: podIps(network, answer).map(({ address }) => networkOf(address)),
    exempt: [
      ...network.exemptPrefixes.map(networkOf),
      ...network.ipMasqTailnet ? [] : TAILNET_PREFIXES,
    ],
  };
}

/** Hardware addresses that the kernel gave, for the result. */
export interface AttachedMacs {
  readonly bridge: Uint8Array | undefined;
  readonly hostLink: Uint8Array | undefined;
  readonly podLink: Uint8Array | undefined;
}

/** The result of ADD: interfaces host side first, addresses pointing at the pod's. */
export function podResult(
  network: PodNetwork,
  identity: PodIdentity,
  answer: PodAddresses & Pick<Result, "dns">,
  facts: NodeFacts,
  netns: string,
  macs: AttachedMacs,
): Result {
  const mtu = podMtu(network, facts.uplinkMtuBytes);
  const named = (name: string, mac: Uint8Array | undefined) => ({
    name,
    ...mac && { mac: formatMac(mac) },
  });
  const interfaces = [
    ...network.datapath === "bridge" ? [named(network.bridge, macs.bridge)] : [],
    { ...named(identity.hostLink, macs.hostLink), mtu },
    { ...named(identity.key.ifname, macs.podLink), mtu, sandbox: netns },
  ];
  return {
    interfaces,
    ips: podIps(network, answer).map(({ address, gateway }) => ({
      address: network.datapath === "ptp" ? hostPrefix(address.address) : address,
      ...gateway && { gateway },
      interface: interfaces.length - 1,
    })),
    routes: resultRoutes(network, answer),
    dns: { ...answer.dns, ...network.dns },
  };
}
