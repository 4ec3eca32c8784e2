/** Routes over rtnetlink. Leaves out multipath routes and next hop objects. */
import {
  type Address,
  addressBytes,
  addressFromBytes,
  equalAddresses,
  type Family,
  FAMILY_BITS,
} from "../net/address.ts";
import { equalPrefixes, networkOf } from "../net/prefix.ts";
import { type KernelRoute, type Route, SCOPE_LINK } from "../net/route.ts";
import {
  nestedAttributes,
  parseAttributes,
  readU32,
  viewOf,
  WireWriter,
} from "../wire/attribute.ts";
import { type Message, NLM_F_CREATE, NLM_F_EXCL } from "../wire/message.ts";
import {
  AF_BY_FAMILY,
  dumpRequest,
  familyOf,
  type RouteRequest,
  routeRequest,
} from "./rtnetlink.ts";

/**
 * Who made a route or rule: our own number among those that linux/rtnetlink.h leaves to users
 * (above 4, RTPROT_STATIC). It is "H" in ASCII, so that all of ours can be told apart.
 */
export const HEADCNI_RTPROT = 0x48;

/** The table of addresses of the node itself, which the kernel keeps: linux/rtnetlink.h. */
export const RT_TABLE_LOCAL = 255;
/** The table of ordinary routes: linux/rtnetlink.h. */
export const RT_TABLE_MAIN = 254;

/**
 * Bytes of `struct rtmsg`: u8 family, destination length, source length, TOS, table, protocol,
 * scope, type, then u32 flags.
 */
const HEADER_BYTES = 12;

/** The types of a route that leads somewhere, and of one that refuses: linux/rtnetlink.h. */
export const RTN_UNICAST = 1;
export const RTN_UNREACHABLE = 7;
/** Route types, scopes and flags: linux/rtnetlink.h. */
const RTN_UNSPEC = 0;
const RT_SCOPE_UNIVERSE = 0;
/** In a removal: whatever the scope. */
const RT_SCOPE_NOWHERE = 255;
const RTPROT_UNSPEC = 0;
const RTNH_F_ONLINK = 0x4;

/** Route attributes: linux/rtnetlink.h. */
const RTA_DST = 1;
const RTA_OIF = 4;
const RTA_GATEWAY = 5;
const RTA_PRIORITY = 6;
const RTA_PREFSRC = 7;
const RTA_METRICS = 8;
const RTA_TABLE = 15;
const RTAX_MTU = 2;
const RTAX_ADVMSS = 8;

/** The priority of routes that were given none: net/ipv6/route.c has IP6_RT_PRIO_USER. */
const DEFAULT_PRIORITY: Readonly<Record<Family, number>> = { 4: 0, 6: 1024 };

/** A route whose output link is told by its index. */
export type IndexedRoute = Omit<Route, "link"> & { readonly linkIndex?: number | undefined };

/** Adds a route as one of ours; refused (EEXIST) when one to there of that priority exists. */
export function addRoute(route: IndexedRoute): RouteRequest {
  const type = route.unreachable ? RTN_UNREACHABLE : RTN_UNICAST;
  const body = routeBody(route, { protocol: HEADCNI_RTPROT, scope: scopeOf(route), type });
  if (route.source) body.attribute(RTA_PREFSRC, addressBytes(route.source));
  const { mtuBytes, advmssBytes } = route;
  if (mtuBytes !== undefined || advmssBytes !== undefined) {
    body.nested(RTA_METRICS, (metrics) => {
      if (mtuBytes !== undefined) metrics.attributeU32(RTAX_MTU, mtuBytes);
      if (advmssBytes !== undefined) metrics.attributeU32(RTAX_ADVMSS, advmssBytes);
    });
  }
  return routeRequest("RTM_NEWROUTE", body, NLM_F_CREATE | NLM_F_EXCL);
}

/** Removes the route to that destination by that way, whoever made it. */
export function removeRoute(route: IndexedRoute): RouteRequest {
  const type = route.unreachable ? RTN_UNREACHABLE : RTN_UNSPEC;
  const header = { protocol: RTPROT_UNSPEC, scope: RT_SCOPE_NOWHERE, type };
  return routeRequest("RTM_DELROUTE", routeBody(route, header));
}

/**
 * Asks for the routes of both families, by one link or all. Kernels before 4.20 answer with those
 * by all links in any case.
 */
export function listRoutes(linkIndex?: number): RouteRequest {
  const body = new WireWriter().bytes(new Uint8Array(HEADER_BYTES));
  if (linkIndex !== undefined) body.attributeU32(RTA_OIF, linkIndex);
  return dumpRequest("RTM_GETROUTE", body);
}

/** Asks which route the node's own traffic to an address takes. */
export function lookUpRoute(address: Address): RouteRequest {
  const body = new WireWriter()
    .u8(AF_BY_FAMILY[address.family]).u8(FAMILY_BITS[address.family])
    .bytes(new Uint8Array(HEADER_BYTES - 2))
    .attribute(RTA_DST, addressBytes(address));
  return routeRequest("RTM_GETROUTE", body);
}

/**
 * Reads an `RTM_NEWROUTE` message; undefined when it is of another protocol than IP.
 * @throws RangeError when it is cut short.
 */
export function decodeRoute(message: Message): KernelRoute | undefined {
  const header = viewOf(message.body);
  const family = familyOf(header.getUint8(0));
  const flags = header.getUint32(8, true);
  if (!family) return undefined;
  const attributes = parseAttributes(message.body.subarray(HEADER_BYTES));
  const metrics = nestedAttributes(attributes, RTA_METRICS);
  const destination = attributes.get(RTA_DST);
  const address = destination ? addressFromBytes(destination) : { family, value: 0n };
  const gateway = attributes.get(RTA_GATEWAY);
  const source = attributes.get(RTA_PREFSRC);
  const linkIndex = readU32(attributes.get(RTA_OIF));
  const priority = readU32(attributes.get(RTA_PRIORITY));
  const mtuBytes = readU32(metrics.get(RTAX_MTU));
  const advmssBytes = readU32(metrics.get(RTAX_ADVMSS));
  return {
    destination: { address, length: header.getUint8(1) },
    onlink: (flags & RTNH_F_ONLINK) !== 0,
    table: readU32(attributes.get(RTA_TABLE)) ?? header.getUint8(4),
    protocol: header.getUint8(5),
    scope: header.getUint8(6),
    routeType: header.getUint8(7),
    ...gateway && { gateway: addressFromBytes(gateway) },
    ...source && { source: addressFromBytes(source) },
    ...linkIndex !== undefined && { linkIndex },
    ...priority !== undefined && { priority },
    ...mtuBytes !== undefined && { mtuBytes },
    ...advmssBytes !== undefined && { advmssBytes },
  };
}

/** True when the kernel's route does what the wanted one would, whoever made it. */
export function isSameRoute(want: IndexedRoute, have: KernelRoute): boolean {
  const { family } = want.destination.address;
  return equalPrefixes(networkOf(want.destination), have.destination) &&
    isSameAddress(want.gateway, have.gateway) &&
    isSameAddress(want.source, have.source) &&
    // A route without an output link of its own is bound to the loopback link by IPv6.
    (want.unreachable || want.linkIndex === have.linkIndex) &&
    (want.unreachable ? RTN_UNREACHABLE : RTN_UNICAST) === have.routeType &&
    (want.onlink ?? false) === have.onlink &&
    want.mtuBytes === have.mtuBytes &&
    want.advmssBytes === have.advmssBytes &&
    (want.priority ?? DEFAULT_PRIORITY[family]) === (have.priority ?? DEFAULT_PRIORITY[family]) &&
    (want.table ?? RT_TABLE_MAIN) === have.table &&
    scopeOf(want) === have.scope;
}

function isSameAddress(a: Address | undefined, b: Address | undefined): boolean {
  return a && b ? equalAddresses(a, b) : a === b;
}

/** IPv6 knows no scopes; IPv4 wants `link` for what needs no gateway. */
function scopeOf(route: IndexedRoute): number {
  if (route.destination.address.family === 6 || route.unreachable) return RT_SCOPE_UNIVERSE;
  return route.scope ?? (route.gateway ? RT_SCOPE_UNIVERSE : SCOPE_LINK);
}

interface HeaderFields {
  readonly protocol: number;
  readonly scope: number;
  readonly type: number;
}

/** Header, and the attributes that identify a route. */
function routeBody(route: IndexedRoute, { protocol, scope, type }: HeaderFields): WireWriter {
  const { address, length } = networkOf(route.destination);
  const table = route.table ?? RT_TABLE_MAIN;
  const body = new WireWriter()
    .u8(AF_BY_FAMILY[address.family]).u8(length).u8(0).u8(0)
    .u8(table <= 255 ? table : 0).u8(protocol).u8(scope).u8(type)
    .u32(route.onlink ? RTNH_F_ONLINK : 0);
  if (length > 0) body.attribute(RTA_DST, addressBytes(address));
  if (route.gateway) body.attribute(RTA_GATEWAY, addressBytes(route.gateway));
  if (route.linkIndex !== undefined) body.attributeU32(RTA_OIF, route.linkIndex);
  if (route.priority !== undefined) body.attributeU32(RTA_PRIORITY, route.priority);
  return table <= 255 ? body : body.attributeU32(RTA_TABLE, table);
}
