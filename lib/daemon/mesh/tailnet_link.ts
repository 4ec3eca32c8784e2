/** The tailnet's own link on this node, and what the kernel was told to send by it. */
import type { Host } from "../../host/host.ts";
import type { TailnetStatus } from "../../mesh/tailnet.ts";
import { equalAddresses } from "../../net/address.ts";
import type { Prefix } from "../../net/prefix.ts";
import { TAILSCALE_TABLE } from "../../node/remote_pod_cidrs.ts";

/** What the kernel has of the tailnet. */
export interface TailnetLink {
  /** Undefined while no link has our tailnet addresses. */
  readonly device: { readonly name: string; readonly mtuBytes: number } | undefined;
  /** Where the kernel sends by it. */
  readonly acceptedRoutes: readonly Prefix[];
}

/**
 * Looks for it by our addresses in the tailnet: its name is anybody's.
 * @throws KernelError.
 */
export function findTailnetLink(host: Host, status: TailnetStatus | undefined): TailnetLink {
  const own = status?.self?.addresses ?? [];
  const held = own.length === 0 ? undefined : host.listAddresses("host")
    .find(({ address }) => own.some((one) => equalAddresses(one, address.address)));
  const link = held && host.listLinks("host").find(({ index }) => index === held.linkIndex);
  if (!link) return { device: undefined, acceptedRoutes: [] };
  const { index, name, mtuBytes } = link;
  const acceptedRoutes = host.listRoutes("host")
    .filter(({ table, linkIndex }) => table === TAILSCALE_TABLE && linkIndex === index)
    .map(({ destination }) => destination);
  return { device: { name, mtuBytes }, acceptedRoutes };
}
