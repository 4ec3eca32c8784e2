/** Ports of the node that lead to pods: claimed in the store, made and removed in the kernel. */
import type { AttachmentKey } from "../attachment.ts";
import type { Request } from "../cni/request.ts";
import { ConfigError, errorText, KernelError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import { log } from "../log.ts";
import type { HostPort, HostPortOwner } from "../net/host_port.ts";
import { hostLinkName } from "../pod/identity.ts";
import type { Attachment } from "../store/attachments.ts";
import type { AttachContext } from "./context.ts";
import type { Firewall } from "./node.ts";

/** EOPNOTSUPP, EAFNOSUPPORT and EPROTONOSUPPORT: asm-generic/errno.h. */
const NO_NF_TABLES = [95, 97, 93];

/**
 * Leads host ports to a pod. What leads to a pod whose link is gone is a left-over, and makes room.
 * @throws ConfigError `port-taken` that names the link of the owner; KernelError.
 */
export function openPorts(
  host: Host,
  firewall: Firewall,
  ports: readonly HostPort[],
  owner: HostPortOwner,
): void {
  try {
    firewall.ensureHostPorts(ports, owner);
  } catch (error) {
    if (!isTaken(error) || !removeLeftOver(host, firewall, ports)) throw error;
    firewall.ensureHostPorts(ports, owner);
  }
}

/**
 * Removes the host ports of an attachment: those that ADD recorded, or, where there is no record and
 * the runtime says that there were some, those whose element names the attachment's link.
 * @throws KernelError.
 */
export async function closePorts(
  request: Request,
  key: AttachmentKey,
  attachment: Attachment | undefined,
  { node }: AttachContext,
): Promise<void> {
  const link = hostLinkName(key);
  if (attachment ? !attachment.hostPorts : !asksForPorts(request)) return;
  using firewall = node.openFirewall();
  const ports = attachment?.hostPorts ??
    firewall.listHostPorts().filter((each) => each.link === link).map(({ port }) => port);
  await firewall.removeHostPortsInBackground(ports, link);
}

/**
 * Removes the host ports of pods whose links are gone, for those who clean up after lost DELs.
 * @returns those that were removed.
 * @throws KernelError.
 */
export function sweepPorts(host: Host, firewall: Firewall): HostPort[] {
  // In this order: a pod that comes meanwhile has its link before its ports.
  const ports = firewall.listHostPorts();
  const links = new Set(host.listLinks("host").map(({ name }) => name));
  const left = ports.filter(({ link }) => link !== "" && !links.has(link));
  for (const [link, ports] of Map.groupBy(left, ({ link }) => link)) {
    firewall.removeHostPorts(ports.map(({ port }) => port), link);
    log.info("Removed the host ports of a pod that is gone", { link, ports: ports.length });
  }
  return left.map(({ port }) => port);
}

/**
 * {@linkcode sweepPorts} for those whose work does not depend on it: a kernel without nf_tables has no
 * host ports either.
 * @param onSwept is told of those that were removed.
 * @returns what it failed with, as text.
 */
export function trySweepPorts(
  { node }: AttachContext,
  onSwept: (ports: readonly HostPort[]) => void = () => {},
): string | undefined {
  try {
    using host = node.openHost();
    using firewall = node.openFirewall();
    onSwept(sweepPorts(host, firewall));
    return undefined;
  } catch (error) {
    const isUnknown = error instanceof KernelError && NO_NF_TABLES.includes(error.errno);
    return isUnknown ? undefined : `host ports: ${errorText(error)}`;
  }
}

/** Answers whether there was anything to remove. */
function removeLeftOver(host: Host, firewall: Firewall, ports: readonly HostPort[]): boolean {
  const left = firewall.findHostPorts(ports)
    .filter(({ link }) => link !== "" && !host.findLink("host", link));
  for (const { port, link } of left) firewall.removeHostPorts([port], link);
  return left.length > 0;
}

function isTaken(error: unknown): boolean {
  return error instanceof ConfigError && error.reason === "port-taken";
}

/** Runtimes send with DEL what they sent with ADD. */
function asksForPorts({ config }: Request): boolean {
  const { portMappings } = config.runtimeConfig;
  return Array.isArray(portMappings) && portMappings.length > 0;
}
