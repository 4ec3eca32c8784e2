/** CHECK: reads only. */
import type { Member } from "../attachment.ts";
import { ConfigError, errorText } from "../errors.ts";
import { requirePrevResult } from "../cni/network_config.ts";
import type { Request } from "../cni/request.ts";
import type { Host } from "../host/host.ts";
import { equalAddresses, FAMILIES, formatAddress } from "../net/address.ts";
import { type AttachmentFacts, diffAttachment, ownIps } from "../pod/check.ts";
import { parsePodNetwork, type PodNetwork } from "../pod/config.ts";
import type { PodIdentity } from "../pod/facts.ts";
import { resultForCheck } from "../pod/enrich.ts";
import { hasForeignIpam } from "../pod/ipam_type.ts";
import { FORWARDING } from "../pod/plan_link.ts";
import { planMasquerade } from "../pod/plan.ts";
import type { ResultIp } from "../cni/result.ts";
import { formatResult } from "../cni/result_codec.ts";
import { findAttachment } from "../store/attachments.ts";
import { findLease } from "../store/leases.ts";
import { type AttachContext, attachmentKey, podIdentity } from "./context.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { callMember, nativeRequest } from "./members.ts";
import { openRequestStoreIfPresent } from "./open_store.ts";
import { resolveRequest } from "./resolve.ts";

/**
 * Compares the runtime's memory of ADD with kernel, firewall and store, or has the members of a
 * configuration do so: those that ADD recorded.
 * @throws ConfigError `check-failure` that names every difference; PluginError of the only member that
 * found one.
 */
export async function check(request: Request, context: AttachContext): Promise<void> {
  const { request: resolved, members, subnet } = resolveRequest(request, context);
  if (!members) return await checkNative(resolved, context);
  const expected = resultForCheck(requirePrevResult(request.config), subnet);
  const prevResult = formatResult(expected, request.config.cniVersion);
  const failures: unknown[] = [];
  for (const member of await recordedMembers(resolved, context) ?? members) {
    await checkMember(member, resolved, prevResult, context)
      .catch((error) => failures.push(error));
  }
  if (failures.length > 1) throw checkFailure(request, failures.map(errorText));
  if (failures.length === 1) throw failures[0];
}

async function checkMember(
  member: Member,
  request: Request,
  prevResult: unknown,
  context: AttachContext,
): Promise<void> {
  if (member.kind === "plugin") await callMember("CHECK", member, request, prevResult);
  else await checkNative(nativeRequest(member, request, prevResult), context);
}

async function recordedMembers(
  request: Request,
  context: AttachContext,
): Promise<readonly Member[] | undefined> {
  await using store = await openRequestStoreIfPresent(request, context);
  const attachment = await store?.read((reader) => findAttachment(reader, attachmentKey(request)));
  return attachment?.members;
}

async function checkNative(request: Request, context: AttachContext): Promise<void> {
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
    ...masqueradeDifferences(network, ips, context),
    ...await leaseDifferences(request, ips, context),
  ];
  await callForeignIpam("CHECK", request).catch((error) => {
    if (differences.length === 0) throw error;
    differences.push(`IPAM plugin: ${errorText(error)}`);
  });
  if (differences.length > 0) throw checkFailure(request, differences);
}

function checkFailure(
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
