/** What a pod gets of the addresses and routes that IPAM named: both datapaths begin here. */
import { ConfigError } from "../errors.ts";
import type { Result, ResultIp, ResultRoute } from "../cni/result.ts";
import { addOffset, type Address, FAMILIES, type Family } from "../net/address.ts";
import { containsAddress, formatPrefix, networkOf, type Prefix } from "../net/prefix.ts";
import { type Route, SCOPE_LINK } from "../net/route.ts";
import type { PodNetwork } from "./config.ts";

/** Default MTU in bytes: that of tailscale0, the smallest that IPv6 allows (RFC 8200 section 5). */
const DEFAULT_MTU_BYTES = 1280;

/** An address of the pod with the gateway that its family uses. */
export interface PodIp {
  readonly address: Prefix;
  /** Undefined when IPAM names none and the node is no gateway. */
  readonly gateway: Address | undefined;
}

/** What a pod gets: IPAM's answer with every default filled in. */
export interface PodAddressing {
  /** At least one. */
  readonly ips: readonly PodIp[];
  readonly routes: readonly ResultRoute[];
}

/** Default destinations: 0.0.0.0/0 and ::/0. */
const DEFAULT_PREFIX: Readonly<Record<Family, Prefix>> = {
  4: { address: { family: 4, value: 0n }, length: 0 },
  6: { address: { family: 6, value: 0n }, length: 0 },
};

/**
 * Fills in what IPAM left open: the first address of the subnet as gateway, and a default route per
 * family when `isDefaultGateway` asks for it, or is left open and IPAM names no route at all (a pod
 * without any way out is nobody's wish).
 * @throws ConfigError when IPAM gave no address, or a subnet has no room for a gateway.
 */
export function resolveAddressing(
  network: PodNetwork,
  answer: Pick<Result, "ips" | "routes">,
): PodAddressing {
  if (answer.ips.length === 0) {
    throw new ConfigError("invalid-config", "Cannot attach the pod: IPAM gave it no address");
  }
  const ips = answer.ips.map((ip) => ({ address: ip.address, gateway: gatewayOf(network, ip) }));
  const wantsDefaults = network.isDefaultGateway ?? answer.routes.length === 0;
  return {
    ips,
    routes: wantsDefaults ? withDefaults(answer.routes, ips) : answer.routes,
  };
}

/** The pod's routes for the kernel: each with the gateway of its family, unless of scope link. */
export function podRoutes({ ips, routes }: PodAddressing, ifname: string): Route[] {
  return routes.map((route): Route => {
    const gateway = route.gw ?? firstGateway(ips, route.dst.address.family);
    return {
      destination: networkOf(route.dst),
      link: ifname,
      ...gateway && route.scope !== SCOPE_LINK && { gateway },
      ...route.mtu !== undefined && { mtuBytes: route.mtu },
      ...route.advmss !== undefined && { advmssBytes: route.advmss },
      ...route.priority !== undefined && { priority: route.priority },
      ...route.table !== undefined && { table: route.table },
      ...route.scope !== undefined && { scope: route.scope },
    };
  });
}

/**
 * The MTU of the pod's link: configured, or 1280, or what is lower of the links by which packets leave
 * the node.
 * @param linkMtusBytes undefined for a link that is not there.
 */
export function podMtu(
  network: Pick<PodNetwork, "mtuBytes">,
  ...linkMtusBytes: readonly (number | undefined)[]
): number {
  const present = linkMtusBytes.filter((bytes) => bytes !== undefined);
  return network.mtuBytes ?? Math.min(DEFAULT_MTU_BYTES, ...present);
}

function withDefaults(routes: readonly ResultRoute[], ips: readonly PodIp[]): ResultRoute[] {
  const defaults = FAMILIES.flatMap((family): ResultRoute[] => {
    const gw = firstGateway(ips, family);
    const isPresent = routes.some(({ dst }) => dst.address.family === family && dst.length === 0);
    return gw && !isPresent ? [{ dst: DEFAULT_PREFIX[family], gw }] : [];
  });
  return [...routes, ...defaults];
}

function gatewayOf(network: PodNetwork, ip: ResultIp): Address | undefined {
  if (ip.gateway || !network.isGateway) return ip.gateway;
  const subnet = networkOf(ip.address);
  const gateway = addOffset(subnet.address, 1n);
  if (!containsAddress(subnet, gateway) || gateway.value === ip.address.address.value) {
    throw new ConfigError(
      "invalid-config",
      `Cannot choose a gateway in "${
        formatPrefix(ip.address)
      }": the subnet has no other address; ` +
        `name a gateway in ipam`,
    );
  }
  return gateway;
}

function firstGateway(ips: readonly PodIp[], family: Family): Address | undefined {
  return ips.find((ip) => ip.gateway?.family === family)?.gateway;
}
