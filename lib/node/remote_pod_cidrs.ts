/** Which networks have the pods of other nodes, where nobody tells the network of the cluster. */
import type { Link } from "../net/link.ts";
import { containsPrefix, distinctPrefixes, type Prefix } from "../net/prefix.ts";
import type { KernelRoute } from "../net/route.ts";
import { RTN_UNICAST } from "../netlink/route.ts";
import { TAILNET_PREFIXES } from "../nft/masquerade.ts";

/** The table in which tailscaled has its routes: `tailscaleRouteTable`, wgengine/router/osrouter of tailscale. */
export const TAILSCALE_TABLE = 52;

/**
 * The routes that tailscaled accepted from its peers, of families without a network of the cluster.
 * That of another place's office is among them, for nothing tells it from a network of pods; a way
 * out to everywhere is not, nor are the addresses of the tailnet.
 * @param device the link to the tailnet.
 */
export function remotePodCidrs(
  { clusterCidrs }: { readonly clusterCidrs: readonly Prefix[] },
  routes: readonly KernelRoute[],
  device: Pick<Link, "index"> | undefined,
): Prefix[] {
  if (!device) return [];
  const known = new Set(clusterCidrs.map(({ address }) => address.family));
  const accepted = routes
    .filter(({ table, routeType, linkIndex }) =>
      table === TAILSCALE_TABLE && routeType === RTN_UNICAST && linkIndex === device.index
    )
    .map(({ destination }) => destination);
  return distinctPrefixes(
    accepted.filter((prefix) =>
      prefix.length > 0 && !known.has(prefix.address.family) &&
      !TAILNET_PREFIXES.some((tailnet) => containsPrefix(tailnet, prefix))
    ),
  );
}
