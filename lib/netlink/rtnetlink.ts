/** What all rtnetlink requests share: linux/rtnetlink.h. */
import { FAMILIES, type Family } from "../net/address.ts";
import { NLM_F_ACK, NLM_F_DUMP, NLM_F_REQUEST, type Request } from "../wire/message.ts";
import type { WireWriter } from "../wire/attribute.ts";

/** Message types, linux/rtnetlink.h: the name that errors use, and the number. */
const TYPES = {
  RTM_NEWLINK: 16,
  RTM_DELLINK: 17,
  RTM_GETLINK: 18,
  RTM_SETLINK: 19,
  RTM_NEWADDR: 20,
  RTM_DELADDR: 21,
  RTM_GETADDR: 22,
  RTM_NEWROUTE: 24,
  RTM_DELROUTE: 25,
  RTM_GETROUTE: 26,
  RTM_NEWRULE: 32,
  RTM_DELRULE: 33,
  RTM_GETRULE: 34,
  RTM_NEWQDISC: 36,
  RTM_GETQDISC: 38,
  RTM_NEWTFILTER: 44,
  RTM_GETTFILTER: 46,
} as const;

/** Name of a request. */
export type RouteCall = keyof typeof TYPES;

/** An rtnetlink request, and what errors call it. */
export interface RouteRequest extends Request {
  readonly call: RouteCall;
}

/** Address families in message headers: linux/socket.h. */
export const AF_UNSPEC = 0;
export const AF_BRIDGE = 7;
export const AF_BY_FAMILY: Readonly<Record<Family, number>> = { 4: 2, 6: 10 };

/** The IP version of a message header's address family; undefined for other protocols. */
export function familyOf(addressFamily: number): Family | undefined {
  return FAMILIES.find((family) => AF_BY_FAMILY[family] === addressFamily);
}

/**
 * A change, or a query for one object; the kernel ends its answer with an acknowledgement.
 * @param flags those beyond NLM_F_REQUEST and NLM_F_ACK, such as NLM_F_CREATE.
 */
export function routeRequest(call: RouteCall, body: WireWriter, flags = 0): RouteRequest {
  return { call, type: TYPES[call], flags: NLM_F_REQUEST | NLM_F_ACK | flags, body: body.finish() };
}

/** A query for all objects of a kind. */
export function dumpRequest(call: RouteCall, body: WireWriter): RouteRequest {
  return { call, type: TYPES[call], flags: NLM_F_REQUEST | NLM_F_DUMP, body: body.finish() };
}
