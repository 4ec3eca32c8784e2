import type { Address } from "./address.ts";
import type { Prefix } from "./prefix.ts";

/** rtnetlink scope of what is reached without a gateway: RT_SCOPE_LINK, linux/rtnetlink.h. */
export const SCOPE_LINK = 253;

/** A route as rtnetlink knows it; absent fields take the kernel's defaults. */
export interface Route {
  readonly destination: Prefix;
  readonly gateway?: Address;
  /** Output interface by name; a route that answers "unreachable" needs none. */
  readonly link?: string;
  /** Refuse the traffic instead of forwarding it: `RTN_UNREACHABLE`. */
  readonly unreachable?: boolean;
  /** Reach the gateway although no on-link prefix covers it: `RTNH_F_ONLINK`. */
  readonly onlink?: boolean;
  /** Preferred source address. */
  readonly source?: Address;
  readonly mtuBytes?: number;
  /** Advertised maximum segment size in bytes: `RTAX_ADVMSS`. */
  readonly advmssBytes?: number;
  /** Metric: lower wins. */
  readonly priority?: number;
  /** Routing table, 254 (main) by default. */
  readonly table?: number;
  /** rtnetlink scope: 0 global, 253 link, 254 host; by default link without a gateway (IPv4). */
  readonly scope?: number;
}

/** A route as the kernel reports it. */
export interface KernelRoute {
  readonly destination: Prefix;
  readonly gateway?: Address;
  readonly linkIndex?: number;
  readonly onlink: boolean;
  readonly source?: Address;
  readonly mtuBytes?: number;
  readonly advmssBytes?: number;
  readonly priority?: number;
  readonly table: number;
  readonly scope: number;
  /** Who made it: RTPROT_*, linux/rtnetlink.h. */
  readonly protocol: number;
  /** RTN_UNICAST 1, RTN_UNREACHABLE 7, and so on */
  readonly routeType: number;
}
