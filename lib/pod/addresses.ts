/** What the pod gets of the addresses and routes that IPAM named. Both datapaths begin here. */
import { ConfigError } from "../errors.ts";
import type { ResultIp, ResultRoute } from "../cni/result.ts";
import { addOffset, type Address, FAMILIES, type Family } from "../net/address.ts";
import { containsAddress, formatPrefix, networkOf, type Prefix } from "../net/prefix.ts";
import { type Route, SCOPE_LINK } from "../net/route.ts";
import type { PodNetwork } from "./config.ts";
import type { PodAddresses } from "./facts.ts";

/** Default MTU in bytes: that of tailscale0, the smallest that IPv6 allows (RFC 8200 section 5). */
const DEFAULT_MTU_BYTES = 1280;

/** An address of the pod with the gateway that its family uses. */
export interface PodIp {
  readonly address: Prefix;
  /** Undefined when IPAM names none and the node is no gateway. */
  readonly gateway: Address | undefined;
}

/** Default destinations: 0.0.0.0/0 and ::/0. */
const DEFAULT_PREFIX: Readonly<Record<Family, Prefix>> = {
  4: { address: { family: 4, value: 0n }, length: 0 },
  6: { address: { family: 6, value: 0n }, length: 0 },
};

/**
 * The pod's addresses, each with a gateway: IPAM's, or the first address of the subnet.
 * @throws ConfigError when there is none (the specification's main plugins must fail then).
 */
export function podIps(network: PodNetwork, answer: PodAddresses): PodIp[] {
  if (answer.ips.length === 0) {
    throw new ConfigError(
      "invalid-config",
      `Cannot attach the pod: IPAM plugin "${network.ipamType}" returned no address`,
    );
  }
  return answer.ips.map((ip) => ({ address: ip.address, gateway: gatewayOf(network, ip) }));
}

/**
 * The pod's routes: IPAM's with the gateway of their family filled in, and a default route per
 * family when `isDefaultGateway` asks for it, or is left open and IPAM names no route at all (a pod
 * without any way out is nobody's wish).
 */
export function podRoutes(network: PodNetwork, answer: PodAddresses, ifname: string): Route[] {
  const ips = podIps(network, answer);
  return resultRoutes(network, answer).map((route): Route => {
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

/** The routes that the result reports: IPAM's, and the defaults of {@linkcode podRoutes}. */
export function resultRoutes(network: PodNetwork, answer: PodAddresses): ResultRoute[] {
  const wanted = network.isDefaultGateway ?? answer.routes.length === 0;
  if (!wanted) return [...answer.routes];
  const ips = podIps(network, answer);
  const defaults = FAMILIES.flatMap((family): ResultRoute[] => {
    const gw = firstGateway(ips, family);
    const present = answer.routes.some(({ dst }) =>
      dst.address.family === family && dst.length === 0
    );
    return gw && !present ? [{ dst: DEFAULT_PREFIX[family], gw }] : [];
  });
  return [...answer.routes, ...defaults];
}

/** The MTU of the pod's link: configured, or 1280, or the uplink's if that is lower. */
export function podMtu(network: PodNetwork, uplinkMtuBytes: number | undefined): number {
  return network.mtuBytes ?? Math.min(DEFAULT_MTU_BYTES, uplinkMtuBytes ?? DEFAULT_MTU_BYTES);
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
