/** CHECK: reads only. */
import { ConfigError } from "../errors.ts";
import { requirePrevResult } from "../cni/network_config.ts";
import type { Request } from "../cni/request.ts";
import type { Host } from "../host/host.ts";
import { type AttachmentFacts, diffAttachment } from "../pod/check.ts";
import { parsePodNetwork, type PodNetwork } from "../pod/config.ts";
import type { PodIdentity } from "../pod/facts.ts";
import { foreignIpamType } from "../pod/ipam_type.ts";
import { planMasquerade } from "../pod/plan.ts";
import type { Result } from "../cni/result.ts";
import { findLease } from "../store/leases.ts";
import { type AttachContext, podIdentity } from "./context.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { openRequestStoreIfPresent } from "./open_store.ts";

/**
 * Compares the runtime's memory of ADD with kernel, firewall and store.
 * @throws ConfigError `check-failure` that names every difference.
 */
export async function check(request: Request, context: AttachContext): Promise<void> {
  const network = parsePodNetwork(request.config, request.args.get("MAC"));
  const expected = requirePrevResult(request.config);
  const identity = podIdentity(request);
  using host = context.node.openHost({
    netns: request.netns,
    allowOwnNetns: context.allowOwnNetns,
  });
  const differences = [
    ...diffAttachment(network, identity, expected, observeAttachment(host, network, identity)),
    ...masqueradeDifferences(network, expected, context),
    ...await leaseDifferences(request, identity, context),
  ];
  await callForeignIpam("CHECK", request);
  if (differences.length === 0) return;
  throw new ConfigError(
    "check-failure",
    `Cannot confirm interface "${request.ifname}" of container "${request.containerId}": ` +
      differences.join("; "),
  );
}

function observeAttachment(
  host: Host,
  network: PodNetwork,
  identity: PodIdentity,
): AttachmentFacts {
  const podLink = host.findLink("pod", identity.key.ifname);
  const hostLink = host.findLink("host", identity.hostLink);
  const bridge = host.findLink("host", network.bridge);
  const gatewayLink = network.datapath === "bridge" ? bridge : hostLink;
  return {
    bridge,
    hostLink,
    gatewayAddresses: gatewayLink ? host.listAddresses("host", gatewayLink.index) : [],
    hostRoutes: host.listRoutes("host").filter(({ linkIndex }) => linkIndex === hostLink?.index),
    podLink,
    podAddresses: podLink ? host.listAddresses("pod", podLink.index) : [],
    podRoutes: host.listRoutes("pod").filter(({ linkIndex }) => linkIndex === podLink?.index),
  };
}

function masqueradeDifferences(
  network: PodNetwork,
  expected: Result,
  context: AttachContext,
): string[] {
  const want = planMasquerade(network, expected.ips.map(({ address }) => address));
  if (!want) return [];
  using firewall = context.node.openFirewall();
  return firewall.missingMasquerade(want).map((text) => `firewall lacks: ${text}`);
}

async function leaseDifferences(
  request: Request,
  identity: PodIdentity,
  context: AttachContext,
): Promise<string[]> {
  if (foreignIpamType(request.config.raw) !== undefined) return [];
  await using store = await openRequestStoreIfPresent(request, context);
  const lease = await store?.read((reader) => findLease(reader, identity.key));
  return lease ? [] : ["the store has no lease for it"];
}
