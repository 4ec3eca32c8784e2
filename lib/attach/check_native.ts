/** CHECK of what our own network plugin made: kernel, packet filter and store. */
import { ConfigError, errorText } from "../errors.ts";
import { requirePrevResult } from "../cni/network_config.ts";
import type { Request } from "../cni/request.ts";
import type { Host } from "../host/host.ts";
import { equalAddresses, FAMILIES, formatAddress } from "../net/address.ts";
import { networkOf } from "../net/prefix.ts";
import { parseBandwidth } from "../pod/bandwidth.ts";
import { type AttachmentFacts, diffAttachment, ownIps } from "../pod/check.ts";
import { parsePodNetwork, type PodNetwork } from "../pod/config.ts";
import type { PodIdentity } from "../pod/facts.ts";
import { ifbName } from "../pod/identity.ts";
import { hasForeignIpam } from "../pod/ipam_type.ts";
import { diffBandwidth } from "../pod/plan_bandwidth.ts";
import { FORWARDING } from "../pod/plan_link.ts";
import { planMasquerade } from "../pod/plan.ts";
import { parsePortMappings, planHostPorts } from "../pod/port_mappings.ts";
import type { ResultIp } from "../cni/result.ts";
import { findLease } from "../store/leases.ts";
import { type AttachContext, attachmentKey, podIdentity } from "./context.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { openRequestStoreIfPresent } from "./open_store.ts";

/**
 * Compares the runtime's memory of ADD with what there is.
 * @throws ConfigError `check-failure` that names every difference.
 */
export async function checkNative(request: Request, context: AttachContext): Promise<void> {
  const network = parsePodNetwork(request.config, request.args.get("MAC"));
  const expected = requirePrevResult(request.config);
  const identity = podIdentity(request);
  using host = context.node.openHost({
    netns: request.netns,
    allowOwnNetns: context.allowOwnNetns,
  });
  const ips = ownIps(expected, request.ifname);
  const differences = [
    ...diffAttachment(network, identity, expected, observeAttachment(host, network, identity)),
    ...bandwidthDifferences(request, identity, host),
    ...masqueradeDifferences(network, ips, context),
    ...portDifferences(request, identity, ips, context),
    ...await leaseDifferences(request, ips, context),
  ];
  await callForeignIpam("CHECK", request).catch((error) => {
    if (differences.length === 0) throw error;
    differences.push(`IPAM plugin: ${errorText(error)}`);
  });
  if (differences.length > 0) throw checkFailure(request, differences);
}

/** The error of a CHECK that found these differences. */
export function checkFailure(
  { ifname, containerId }: Request,
  differences: readonly string[],
): ConfigError {
  return new ConfigError(
    "check-failure",
    `Cannot confirm interface "${ifname}" of container "${containerId}": ${differences.join("; ")}`,
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
    podRoutes: host.listRoutes("pod"),
    notForwarded: FAMILIES.filter((family) => host.readSysctl("host", FORWARDING[family]) === "0"),
  };
}

function masqueradeDifferences(
  network: PodNetwork,
  ips: readonly ResultIp[],
  context: AttachContext,
): string[] {
  const want = planMasquerade(network, ips.map(({ address }) => address));
  if (!want) return [];
  using firewall = context.node.openFirewall();
  return firewall.missingMasquerade(want).map((text) => `firewall lacks: ${text}`);
}

async function leaseDifferences(
  request: Request,
  ips: readonly ResultIp[],
  context: AttachContext,
): Promise<string[]> {
  if (hasForeignIpam(request.config.raw)) return [];
  await using store = await openRequestStoreIfPresent(request, context);
  const lease = await store?.read((reader) => findLease(reader, attachmentKey(request)));
  if (!lease) return ["the store has no lease for it"];
  return lease.addresses.map(({ address }) => address.address)
    .filter((leased) => !ips.some(({ address }) => equalAddresses(address.address, leased)))
    .map((leased) => `leased address ${formatAddress(leased)} is not the pod's`);
}

function bandwidthDifferences(
  { config }: Request,
  identity: PodIdentity,
  host: Host,
): string[] {
  const hostLink = host.findLink("host", identity.hostLink);
  if (!hostLink) return []; // said already
  const ifb = host.findLink("host", ifbName(identity.key));
  return diffBandwidth(identity, parseBandwidth(config), hostLink.mtuBytes, {
    hostLimit: host.findLimit(hostLink.index),
    redirectIndex: host.findRedirect(hostLink.index),
    ifb,
    ifbLimit: ifb && host.findLimit(ifb.index),
  });
}

function portDifferences(
  { config }: Request,
  { hostLink }: PodIdentity,
  ips: readonly ResultIp[],
  context: AttachContext,
): string[] {
  const addresses = ips.map(({ address }) => address.address);
  const ports = planHostPorts(parsePortMappings(config.runtimeConfig), addresses);
  if (ports.length === 0) return [];
  using firewall = context.node.openFirewall();
  const owner = { link: hostLink, networks: ips.map(({ address }) => networkOf(address)) };
  return firewall.missingHostPorts(ports, owner).map((text) => `firewall lacks: ${text}`);
}
