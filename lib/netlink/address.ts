/** Interface addresses over rtnetlink. */
import { addressBytes, addressFromBytes } from "../net/address.ts";
import type { LinkAddress } from "../net/link.ts";
import { lastAddress, type Prefix } from "../net/prefix.ts";
import { parseAttributes, readU32, viewOf, WireWriter } from "../wire/attribute.ts";
import { type Message, NLM_F_CREATE, NLM_F_EXCL } from "../wire/message.ts";
import { HEADCNI_RTPROT } from "./route.ts";
import {
  AF_BY_FAMILY,
  AF_UNSPEC,
  dumpRequest,
  familyOf,
  type RouteRequest,
  routeRequest,
} from "./rtnetlink.ts";

/** Bytes of `struct ifaddrmsg`: u8 family, u8 prefix length, u8 flags, u8 scope, u32 index. */
const HEADER_BYTES = 8;

/** Address attributes and flags: linux/if_addr.h. */
const IFA_ADDRESS = 1;
const IFA_LOCAL = 2;
const IFA_BROADCAST = 4;
const IFA_FLAGS = 8;
const IFA_PROTO = 11;
const IFA_F_NODAD = 0x02;
const IFA_F_DADFAILED = 0x08;
const IFA_F_TENTATIVE = 0x40;

/** IPv4 subnets of this length and longer have no broadcast address: RFC 3021. */
const NO_BROADCAST_LENGTH = 31;

/**
 * Adds an address as one of ours: usable at once (no duplicate address detection), IPv4 with
 * broadcast. Kernels before 5.18 do not keep whose it is.
 */
export function addAddress(linkIndex: number, prefix: Prefix): RouteRequest {
  const isIpv4 = prefix.address.family === 4;
  const body = addressBody(linkIndex, prefix, isIpv4 ? 0 : IFA_F_NODAD);
  if (isIpv4 && prefix.length < NO_BROADCAST_LENGTH) {
    body.attribute(IFA_BROADCAST, addressBytes(lastAddress(prefix)));
  }
  body.attributeU8(IFA_PROTO, HEADCNI_RTPROT);
  return routeRequest("RTM_NEWADDR", body, NLM_F_CREATE | NLM_F_EXCL);
}

/** Removes an address. */
export function removeAddress(linkIndex: number, prefix: Prefix): RouteRequest {
  return routeRequest("RTM_DELADDR", addressBody(linkIndex, prefix, 0));
}

/**
 * Asks for the addresses of both families, of one link or of all. Kernels before 4.20 answer with
 * those of all links in any case.
 */
export function listAddresses(linkIndex = 0): RouteRequest {
  return dumpRequest("RTM_GETADDR", addressHeader(AF_UNSPEC, 0, 0, linkIndex));
}

/**
 * Reads an `RTM_NEWADDR` message; undefined when it is of another protocol than IP.
 * @throws RangeError when it is cut short.
 */
export function decodeAddress(message: Message): LinkAddress | undefined {
  const header = viewOf(message.body);
  const attributes = parseAttributes(message.body.subarray(HEADER_BYTES));
  // On a point-to-point link IFA_ADDRESS is the far end.
  const bytes = attributes.get(IFA_LOCAL) ?? attributes.get(IFA_ADDRESS);
  if (!bytes || !familyOf(header.getUint8(0))) return undefined;
  const flags = readU32(attributes.get(IFA_FLAGS)) ?? header.getUint8(2);
  const protocol = attributes.get(IFA_PROTO)?.at(0);
  return {
    linkIndex: header.getUint32(4, true),
    address: { address: addressFromBytes(bytes), length: header.getUint8(1) },
    scope: header.getUint8(3),
    tentative: (flags & (IFA_F_TENTATIVE | IFA_F_DADFAILED)) !== 0,
    ...protocol !== undefined && { protocol },
  };
}

function addressBody(linkIndex: number, { address, length }: Prefix, flags: number): WireWriter {
  const bytes = addressBytes(address);
  return addressHeader(AF_BY_FAMILY[address.family], length, flags, linkIndex)
    .attribute(IFA_LOCAL, bytes)
    .attribute(IFA_ADDRESS, bytes);
}

function addressHeader(
  family: number,
  length: number,
  flags: number,
  linkIndex: number,
): WireWriter {
  return new WireWriter().u8(family).u8(length).u8(flags).u8(0).u32(linkIndex);
}
