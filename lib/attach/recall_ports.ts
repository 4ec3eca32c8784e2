import { type AttachmentKey, formatAttachment } from "../attachment.ts";
import { KernelError } from "../errors.ts";
import { log } from "../log.ts";
import { claimOf, claimsOverlap, formatHostPort, type KernelHostPort } from "../net/host_port.ts";
import { hostLinkName } from "../pod/identity.ts";
import type { OwnedPort } from "../store/ports.ts";
import type { AttachContext } from "./context.ts";

/**
 * The host ports of attachments, by the elements of the packet filter, which name their links, and by
 * what can still be read of a damaged store; the kernel is believed first. A kernel that has no
 * packet filter leads no port anywhere.
 * @param owners attachments that the store knows: of others nobody would free the ports again.
 * @param read of a damaged store.
 */
export function recallPorts(
  owners: readonly AttachmentKey[],
  read: readonly OwnedPort[],
  context: AttachContext,
): OwnedPort[] {
  if (owners.length === 0) return [];
  const names = new Set(owners.map(formatAttachment));
  const byLink = new Map(owners.map((key) => [hostLinkName(key), key]));
  const told = listKernelPorts(context).flatMap(({ port, link }) => {
    const owner = byLink.get(link);
    return owner ? [{ port, owner }] : [];
  });
  return withOneOwnerEach([
    ...told,
    ...read.filter(({ owner }) => names.has(formatAttachment(owner))),
  ]);
}

function listKernelPorts({ node }: AttachContext): KernelHostPort[] {
  try {
    using firewall = node.openFirewall();
    return firewall.listHostPorts();
  } catch (error) {
    if (!(error instanceof KernelError)) throw error;
    log.warn("Cannot recall host ports from the packet filter", { error });
    return [];
  }
}

/** Keeps the first owner of each port; what the same owner has twice is left in once. */
function withOneOwnerEach(ports: readonly OwnedPort[]): OwnedPort[] {
  const kept = new Map<number, OwnedPort[]>();
  return ports.filter((owned) => {
    const { port, owner } = owned;
    const sameNumber = kept.get(port.hostPort) ?? [];
    const first = sameNumber.find((other) => claimsOverlap(claimOf(other.port), claimOf(port)));
    if (!first) kept.set(port.hostPort, [...sameNumber, owned]);
    else if (formatAttachment(first.owner) !== formatAttachment(owner)) {
      log.error(
        `Cannot give host port "${formatHostPort(port)}" back to "${formatAttachment(owner)}": ` +
          `"${formatAttachment(first.owner)}" has "${formatHostPort(first.port)}"`,
      );
    }
    return !first;
  });
}
