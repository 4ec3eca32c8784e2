/** Results of ADD in the shape of specification 1.1.0, whatever version a caller speaks. */
import type { Address } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";

/** An interface that ADD made or changed. */
export interface ResultInterface {
  readonly name: string;
  readonly mac?: string;
  readonly mtu?: number;
  /** Path of the namespace; absent for interfaces of the host. */
  readonly sandbox?: string;
  readonly socketPath?: string;
  readonly pciID?: string;
}

/** An address that the pod has. */
export interface ResultIp {
  /** The interface address with its prefix length. */
  readonly address: Prefix;
  readonly gateway?: Address;
  /** Index into `interfaces`; absent in the result of an IPAM plugin. */
  readonly interface?: number;
}

/** A route that the pod has. */
export interface ResultRoute {
  /** The destination, host bits kept as sent. */
  readonly dst: Prefix;
  readonly gw?: Address;
  readonly mtu?: number;
  readonly advmss?: number;
  readonly priority?: number;
  readonly table?: number;
  readonly scope?: number;
}

/** Name resolution for the pod. */
export interface ResultDns {
  readonly nameservers?: readonly string[];
  readonly domain?: string;
  readonly search?: readonly string[];
  readonly options?: readonly string[];
}

/** SPEC.md section 5, "Success", version 1.1.0. */
export interface Result {
  readonly interfaces: readonly ResultInterface[];
  readonly ips: readonly ResultIp[];
  readonly routes: readonly ResultRoute[];
  readonly dns: ResultDns;
}

/**
 * The result of a plugin behind that of the plugins before it, as the last of a chain answers:
 * SPEC.md section 4, "ADD". Indexes of interfaces are shifted.
 */
export function joinResults(previous: Result | undefined, own: Result): Result {
  if (!previous) return own;
  const shift = previous.interfaces.length;
  return {
    interfaces: [...previous.interfaces, ...own.interfaces],
    ips: [
      ...previous.ips,
      ...own.ips.map((ip) =>
        ip.interface === undefined ? ip : { ...ip, interface: ip.interface + shift }
      ),
    ],
    routes: [...previous.routes, ...own.routes],
    dns: { ...previous.dns, ...own.dns },
  };
}
