/** What the subnet file adds to the result of other plugins. */
import type { Result, ResultRoute } from "../cni/result.ts";
import type { SubnetFile } from "../discovery/subnet_file.ts";
import { containsAddress, equalPrefixes, networkOf, type Prefix } from "../net/prefix.ts";
import { SCOPE_LINK } from "../net/route.ts";

/**
 * The result with routes to the networks of the cluster, and the file's `dns` where it has none: IPAM
 * plugins of others drop the `dns` of their configuration.
 *
 * A result must not name what the pod does not do. So a network is added only where a wider route
 * of the result, such as a default route, takes its packets, with the gateway of that route; a
 * delegate of ours was told to make routes to the networks anyway, and its result has them.
 */
export function enrichResult(result: Result, subnet: SubnetFile | undefined): Result {
  if (!subnet) return result;
  const added = subnet.networks.flatMap((network) => {
    const isThere = result.routes.some(({ dst }) => equalPrefixes(networkOf(dst), network));
    const wider = isThere ? undefined : widerRoute(network, result.routes);
    return wider ? [{ dst: network, ...wider.gw && { gw: wider.gw } }] : [];
  });
  return {
    ...result,
    routes: [...result.routes, ...added],
    dns: Object.keys(result.dns).length > 0 ? result.dns : subnet.dns,
  };
}

/**
 * The result as CHECK of other plugins can find it in the kernel: without what
 * {@linkcode enrichResult} may have added, routes to networks of the cluster that a wider one covers
 * with the same gateway; and with the pod's gateway in routes that name none, which is what they
 * mean (SPEC.md section 5) but not what the reference plugins look for.
 */
export function resultForCheck(result: Result, subnet: SubnetFile | undefined): Result {
  const networks = subnet?.networks ?? [];
  const routes = result.routes.map((route) => withGateway(route, result));
  return {
    ...result,
    routes: routes.filter(({ dst, gw }) => {
      if (!networks.some((network) => equalPrefixes(network, networkOf(dst)))) return true;
      const wider = widerRoute(networkOf(dst), routes);
      return !wider || wider.gw?.value !== gw?.value;
    }),
  };
}

function withGateway(route: ResultRoute, { ips }: Result): ResultRoute {
  if (route.gw || route.scope === SCOPE_LINK) return route;
  const { family } = route.dst.address;
  const gw = ips.find(({ gateway }) => gateway?.family === family)?.gateway;
  return gw ? { ...route, gw } : route;
}

/** The narrowest route of the main table that is wider than the network and takes its packets. */
function widerRoute(network: Prefix, routes: readonly ResultRoute[]): ResultRoute | undefined {
  return routes
    .filter(({ dst, table }) =>
      table === undefined && dst.length < network.length && containsAddress(dst, network.address)
    )
    .sort((a, b) => b.dst.length - a.dst.length)[0];
}
