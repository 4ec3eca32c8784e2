/**
 * ADD by our own network plugin: lease and intent are committed before the first change to the
 * kernel, the outcome after the last; whatever fails in between is undone in reverse order.
 */
import { ConfigError } from "../errors.ts";
import type { Request } from "../cni/request.ts";
import { joinResults, type Result } from "../cni/result.ts";
import type { Host } from "../host/host.ts";
import { log } from "../log.ts";
import { formatClaim } from "../net/host_port.ts";
import { networkOf, type Prefix } from "../net/prefix.ts";
import { type PodAddressing, podMtu, resolveAddressing } from "../pod/addresses.ts";
import { type Bandwidth, parseBandwidth } from "../pod/bandwidth.ts";
import { parsePodNetwork, type PodNetwork } from "../pod/config.ts";
import type { PodIdentity } from "../pod/facts.ts";
import { ifbName, isLinkOf } from "../pod/identity.ts";
import { hasForeignIpam } from "../pod/ipam_type.ts";
import { planPod, podResult } from "../pod/plan.ts";
import { planBandwidth } from "../pod/plan_bandwidth.ts";
import {
  findUnmappable,
  parsePortMappings,
  planHostPorts,
  planHostPortSteps,
  type PortMapping,
} from "../pod/port_mappings.ts";
import { claimPorts } from "../store/ports.ts";
import type { StoreTransaction } from "../store/transaction.ts";
import { type AttachContext, podIdentity } from "./context.ts";
import { allocateForeign, callForeignIpam } from "./foreign_ipam.ts";
import { openPorts } from "./host_ports.ts";
import { intentIsRecorded, type Ongoing, recordIntent, undoLater } from "./ongoing.ts";
import { type IpamAnswer, ownAnswer, parseOwnIpam, reserveOwn } from "./own_ipam.ts";
import { ensureMasquerade, prepareNode } from "./prepare_node.ts";
import { writeReclaiming } from "./reclaim.ts";

/** What an ADD by our own network plugin needs before anything of it is recorded. */
export interface NativePlan extends Disposable {
  readonly request: Request;
  readonly network: PodNetwork;
  readonly mappings: readonly PortMapping[];
  readonly bandwidth: Bandwidth;
  readonly identity: PodIdentity;
  readonly host: Host;
}

/**
 * Reads the configuration and looks at the pod.
 * @throws ConfigError when one of them is in the way; KernelError.
 */
export function planNative(request: Request, context: AttachContext): NativePlan {
  const network = parsePodNetwork(request.config, request.args.get("MAC"));
  const mappings = parsePortMappings(request.config.runtimeConfig);
  const bandwidth = parseBandwidth(request.config);
  for (const warning of network.warnings) log.warn(warning, { network: request.config.name });
  const { netns } = request;
  const identity = podIdentity(request);
  using opened = new DisposableStack();
  const host = opened.use(context.node.openHost({
    netns,
    allowOwnNetns: context.allowOwnNetns,
  }));
  refuseTaken(host, identity);
  opened.move();
  const close = () => host[Symbol.dispose]();
  return { request, network, mappings, bandwidth, identity, host, [Symbol.dispose]: close };
}

/**
 * Gives the pod its link, addresses and routes, and leaves it to the caller to record the outcome.
 * @throws ConfigError, KernelError, StoreError or ClientError; what was done then is undone with the
 * rest of the ADD.
 */
export async function attachNative(plan: NativePlan, ongoing: Ongoing): Promise<Result> {
  const { request, network, bandwidth, identity, host } = plan;
  const { context, store } = ongoing;
  ongoing.attachment = { ...ongoing.attachment, hostLink: identity.hostLink };
  const answer = await allocate(plan, ongoing);
  const addressing = resolveAddressing(network, answer);
  const facts = await prepareNode(host, network, ongoing.attachment, addressing, store);
  removeOwnLinks(host, identity); // what an ADD left that the store knows nothing of
  undoLater(ongoing, "remove the links", () => removeOwnLinks(host, identity));
  const mtuBytes = podMtu(network, facts.uplinkMtuBytes);
  const steps = [
    ...planPod(network, identity, addressing, facts),
    ...planBandwidth(identity, bandwidth, mtuBytes),
  ];
  for (const step of steps) host.apply(step);
  ensureMasquerade(network, addressing, context.node);
  attachPorts(plan, addressing, ongoing);
  const result = podResult(network, identity, addressing, {
    mtuBytes,
    netns: request.netns,
    bridgeMac: host.findLink("host", network.bridge)?.mac,
    hostMac: host.findLink("host", identity.hostLink)?.mac,
    podMac: host.findLink("pod", request.ifname)?.mac,
  });
  return joinResults(request.config.prevResult, {
    ...result,
    dns: { ...answer.dns, ...network.dns },
  });
}

/** Commits the intent, with our own lease in the same commit, or asks a foreign IPAM plugin. */
async function allocate(plan: NativePlan, ongoing: Ongoing): Promise<IpamAnswer> {
  const { request, network } = plan;
  const { context, store } = ongoing;
  const ipam = hasForeignIpam(request.config.raw) ? undefined : parseOwnIpam(request, network);
  const lease = await writeReclaiming(store, request, context, async (tx) => {
    const lease = ipam && await reserveOwn(tx, request, ipam, context);
    if (lease) await claimFor(plan, lease.addresses, tx, ongoing);
    await recordIntent(tx, ongoing);
    return lease;
  });
  intentIsRecorded(ongoing);
  if (ipam && lease) return ownAnswer(lease, ipam);
  const answer = await allocateForeign(request);
  undoLater(ongoing, "release the address", () => callForeignIpam("DEL", request));
  if (plan.mappings.length > 0) {
    await writeReclaiming(store, request, context, async (tx) => {
      await claimFor(plan, answer.ips, tx, ongoing);
      await recordIntent(tx, ongoing);
    });
  }
  return answer;
}

/** Stages that the host ports of a pod of these addresses are its own. */
async function claimFor(
  { mappings, identity }: NativePlan,
  ips: readonly { readonly address: Prefix }[],
  tx: StoreTransaction,
  ongoing: Ongoing,
): Promise<void> {
  const addresses = ips.map(({ address }) => address.address);
  for (const { protocol, hostPort, hostIp } of findUnmappable(mappings, addresses)) {
    log.warn("Left out a host port: the pod has no address of its family", {
      ...identity.key,
      port: formatClaim({ protocol, hostPort, hostIp: hostIp.address }),
    });
  }
  const wanted = planHostPorts(mappings, addresses);
  if (wanted.length === 0) return;
  const ports = await claimPorts(tx, identity.key, wanted);
  if (ports.length < wanted.length) {
    log.info("Left out host ports that another network of the container has", {
      ...identity.key,
      ports: wanted.filter((port) => !ports.includes(port)).map(formatClaim),
    });
  }
  if (ports.length > 0) ongoing.attachment = { ...ongoing.attachment, hostPorts: ports };
}

/** Leads the host ports to the pod; the guard of the loopback network comes before what it guards. */
function attachPorts(
  { network, identity, host }: NativePlan,
  { ips }: PodAddressing,
  ongoing: Ongoing,
): void {
  const { context, attachment: { hostPorts: ports } } = ongoing;
  if (!ports) return;
  const { hostLink } = identity;
  using firewall = context.node.openFirewall();
  undoLater(ongoing, "close the host ports", () => {
    using again = context.node.openFirewall();
    again.removeHostPorts(ports, hostLink);
  });
  const networks = ips.map(({ address }) => networkOf(address));
  openPorts(host, firewall, ports, { link: hostLink, networks });
  for (const step of planHostPortSteps(network, identity, ports)) host.apply(step);
}

/** Refuses a pod that has such an interface, and a name of ours that somebody else's link has. */
function refuseTaken(host: Host, { key, hostLink }: PodIdentity): void {
  if (host.findLink("pod", key.ifname)) {
    throw new ConfigError(
      "already-attached",
      `Cannot add interface "${key.ifname}" to container "${key.containerId}": ` +
        `the pod has an interface of that name`,
    );
  }
  const present = host.findLink("host", hostLink);
  if (!present || isLinkOf(key, present)) return;
  throw new ConfigError(
    "already-attached",
    `Cannot create link "${hostLink}" for container "${key.containerId}": ` +
      `a link of that name is there and is not ours (alias "${present.alias ?? ""}")`,
  );
}

/** Removes the host's links of this attachment, if there are any. */
function removeOwnLinks(host: Host, { key, hostLink }: PodIdentity): void {
  for (const name of [hostLink, ifbName(key)]) {
    const link = host.findLink("host", name);
    if (!link || !isLinkOf(key, link)) continue;
    host.apply({ kind: "remove-link", place: "host", name });
  }
}
