/** What nodes of the tailnet serve beside themselves. */
import { containsAddress, distinctPrefixes, hostPrefix, type Prefix } from "../net/prefix.ts";
import { type Address, formatAddress } from "../net/address.ts";
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

/** The node that an address of no node is led to, by the narrowest route. */
export function findServing<Node extends TailnetNode>(
  nodes: readonly Node[],
  address: Address,
): { readonly node: Node; readonly route: Prefix } | undefined {
  const leading = nodes.flatMap((node) =>
    servedRoutes(node).filter((route) => containsAddress(route, address))
      .map((route) => ({ node, route }))
  );
  return leading.toSorted((one, other) => other.route.length - one.route.length)[0];
}

/** The node for people: `"name" (addresses)`. */
export function showNode(node: TailnetNode): string {
  const details = [
    ...node.addresses.map(formatAddress),
    ...node.isOnline ? [] : ["offline"],
  ].join(", ");
  return `"${node.dnsName || node.hostName}" (${details || "no address"})`;
}
