/** What the pods of a node share: the bridge with its gateway addresses, forwarding, masquerade. */
import { type AttachmentKey, formatAttachment } from "../attachment.ts";
import type { Host } from "../host/host.ts";
import type { PodAddressing } from "../pod/addresses.ts";
import { DEFAULT_BRIDGE, type PodNetwork } from "../pod/config.ts";
import type { NodeFacts } from "../pod/facts.ts";
import { diffGateways } from "../pod/gateway_plan.ts";
import { planMasquerade, planNode } from "../pod/plan.ts";
import { type Attachment, listAttachments } from "../store/attachments.ts";
import type { Store } from "../store/store.ts";
import type { StoreReader } from "../store/transaction.ts";
import type { Node } from "./node.ts";

/**
 * Makes the node ready for a pod. Bridges and their addresses are changed under the lock of the
 * store, so that two networks that want one bridge do not both believe they are the first.
 * @returns what was seen before.
 * @throws ConfigError when something on the node contradicts the network; KernelError; StoreError.
 */
export async function prepareNode(
  host: Host,
  network: PodNetwork,
  { key, bootId }: Pick<Attachment, "key" | "bootId">,
  addressing: PodAddressing,
  store: Store,
): Promise<NodeFacts> {
  const facts = observeNode(host, network, addressing);
  if (isReady(network, addressing, facts)) {
    for (const step of planNode(network, addressing, facts)) host.apply(step);
    return facts;
  }
  return await store.write(async (tx) => {
    const seen = observeNode(host, network, addressing);
    const isBridgeInUse = seen.isBridgeInUse ||
      await isBridgeClaimed(tx, network, key, bootId);
    const current = { ...seen, isBridgeInUse };
    for (const step of planNode(network, addressing, current)) host.apply(step);
    return current;
  });
}

/** Lets traffic of the pod's subnets leave under the node's address, if the network wants that. */
export function ensureMasquerade(
  network: PodNetwork,
  { ips }: PodAddressing,
  node: Node,
): void {
  const want = planMasquerade(network, ips.map(({ address }) => address));
  if (!want) return;
  using firewall = node.openFirewall();
  firewall.ensureMasquerade(want);
}

function observeNode(host: Host, network: PodNetwork, { ips }: PodAddressing): NodeFacts {
  const bridge = network.datapath === "bridge" ? host.findLink("host", network.bridge) : undefined;
  const bridgeAddresses = bridge ? host.listAddresses("host", bridge.index) : [];
  const isStale = diffGateways(ips, bridgeAddresses).stale.length > 0;
  return {
    bridge,
    bridgeAddresses,
    isBridgeInUse: bridge !== undefined && isStale && host.hasPorts(bridge.index),
    podRoutes: network.datapath === "ptp" ? host.listRoutes("pod") : [],
    uplinkMtuBytes: network.mtuBytes === undefined ? host.uplinkMtuBytes() : undefined,
  };
}

/** True when only steps are left that change nothing for other pods. */
function isReady(
  network: PodNetwork,
  { ips }: PodAddressing,
  { bridge, bridgeAddresses }: NodeFacts,
): boolean {
  if (network.datapath !== "bridge") return true;
  const { stale, missing } = diffGateways(ips, bridgeAddresses);
  return bridge !== undefined && stale.length === 0 && (missing.length === 0 || !network.isGateway);
}

/** True when another ADD of this boot is on its way to a bridge of that name: it has no port yet. */
async function isBridgeClaimed(
  reader: StoreReader,
  { bridge }: PodNetwork,
  own: AttachmentKey,
  bootId: string,
): Promise<boolean> {
  const attachments = await listAttachments(reader);
  return attachments.some((other) => {
    if (other.phase !== "adding" || other.bootId !== bootId) return false;
    if (formatAttachment(other.key) === formatAttachment(own)) return false;
    const config = nativeConfig(other);
    return config !== undefined && config.datapath !== "ptp" &&
      (config.bridge || DEFAULT_BRIDGE) === bridge;
  });
}

/** What our own network plugin was told; undefined when others do all of the work so far. */
function nativeConfig({ config, members }: Attachment): Record<string, unknown> | undefined {
  if (!members) return Object(config);
  return members.find(({ kind }) => kind === "native")?.config;
}
