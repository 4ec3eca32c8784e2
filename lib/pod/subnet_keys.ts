/** What a subnet file says, in the words of a network configuration. */
import type { ResultRoute } from "../cni/result.ts";
import type { SubnetFile } from "../discovery/subnet_file.ts";
import { type Family, formatAddress } from "../net/address.ts";
import { equalPrefixes, formatPrefix, networkOf, type Prefix } from "../net/prefix.ts";
import { isObject } from "../schema.ts";

/** `ipam.ranges`: one set a family, of this node's subnet. */
export function rangesOf({ subnets }: SubnetFile): Record<string, unknown>[][] {
  return subnets.map((subnet) => [{ subnet: formatPrefix(subnet) }]);
}

/** Destinations of a default route for each family of the node's subnets, as `ipam.routes`. */
export function defaultRoutesOf({ subnets }: SubnetFile): Record<string, unknown>[] {
  return subnets.map(({ address }) => ({ dst: DEFAULT_DESTINATION[address.family] }));
}

/**
 * `ipam.routes`: those that are written, then those of the file, then one to each network of the
 * cluster, without which a pod that has no default route reaches only the pods of its own node. A
 * network that is this node's subnet is on the link already: a route to it would take a detour.
 * @param written `ipam.routes` as sent; kept as it is, even what no IPAM plugin would read.
 */
export function routesOf(written: unknown, { networks, subnets, routes }: SubnetFile): unknown[] {
  const all: unknown[] = Array.isArray(written) ? [...written] : [];
  const has = (dst: string, gw?: unknown) =>
    all.some((route) =>
      isObject(route) && route.dst === dst && (gw === undefined || (route.gw || "") === gw)
    );
  // A route of a family that the pod has no address in has no gateway, so the kernel refuses it.
  const isUsed = ({ address: { family } }: Prefix) =>
    subnets.some(({ address }) => address.family === family);
  for (const route of routes.filter(({ dst }) => isUsed(dst)).map(formatRoute)) {
    if (!has(route.dst, route.gw ?? "")) all.push(route);
  }
  for (const network of networks.filter(isUsed)) {
    const dst = formatPrefix(network);
    const isOnLink = subnets.some((subnet) => equalPrefixes(subnet, network));
    if (isOnLink || has(dst) || has(DEFAULT_DESTINATION[network.address.family])) continue;
    all.push({ dst });
  }
  return all;
}

const DEFAULT_DESTINATION: Readonly<Record<Family, string>> = { 4: "0.0.0.0/0", 6: "::/0" };

/** Only JSON values: no member is undefined. */
function formatRoute({ dst, gw, ...more }: ResultRoute): { dst: string; gw?: string } {
  return { dst: formatPrefix(networkOf(dst)), ...gw && { gw: formatAddress(gw) }, ...more };
}
