/** What nodes of the tailnet serve beside themselves. */
import { distinctPrefixes, hostPrefix, type Prefix } from "../net/prefix.ts";
import { formatAddress } from "../net/address.ts";
import { hasRoute, isExitRoute, isInside } from "./own_routes.ts";
import type { TailnetNode } from "./tailnet.ts";

/** Networks that it serves now, those of an exit node too; its own addresses are none. */
export function allRoutes(node: TailnetNode): Prefix[] {
  const own = node.addresses.map(hostPrefix);
  return distinctPrefixes([...node.allowedIps, ...node.primaryRoutes]).filter((route) =>
    !hasRoute(own, route)
  );
}

/** Those that are of somebody: not the ones of an exit node. */
export function servedRoutes(node: TailnetNode): Prefix[] {
  return allRoutes(node).filter((route) => !isExitRoute(route));
}

/** Those that are in the cluster: of its pods. */
export function podRoutes(node: TailnetNode, clusterCidrs: readonly Prefix[]): Prefix[] {
  return servedRoutes(node).filter((route) => isInside(clusterCidrs, route));
}

/** The node for people: `"name" (addresses)`. */
export function showNode(node: TailnetNode): string {
  const details = [
    ...node.addresses.map(formatAddress),
    ...node.isOnline ? [] : ["offline"],
  ].join(", ");
  return `"${node.dnsName || node.hostName}" (${details || "no address"})`;
}
