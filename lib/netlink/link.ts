/**
 * Links over rtnetlink: bridges, veth pairs, ifbs, their flags, ports of bridges. Leaves out every
 * other kind of link, VLANs and statistics.
 */
import { HEADCNI_LINK_GROUP, type Link } from "../net/link.ts";
import type { Mac } from "../net/mac.ts";
import {
  type Attributes,
  nestedAttributes,
  parseAttributes,
  readString,
  readU32,
  viewOf,
  WireWriter,
} from "../wire/attribute.ts";
import { type Message, NLM_F_CREATE, NLM_F_EXCL } from "../wire/message.ts";
import { AF_BRIDGE, AF_UNSPEC, dumpRequest, type RouteRequest, routeRequest } from "./rtnetlink.ts";

/** Bytes of `struct ifinfomsg`: u8 family, pad, u16 type, i32 index, u32 flags, u32 change. */
const HEADER_BYTES = 16;

/** Link attributes: linux/if_link.h. */
const IFLA_ADDRESS = 1;
const IFLA_IFNAME = 3;
const IFLA_MTU = 4;
const IFLA_LINK = 5;
const IFLA_MASTER = 10;
const IFLA_PROTINFO = 12;
const IFLA_LINKINFO = 18;
const IFLA_IFALIAS = 20;
const IFLA_GROUP = 27;
const IFLA_NET_NS_FD = 28;
const IFLA_EXT_MASK = 29;
const IFLA_INFO_KIND = 1;
const IFLA_INFO_DATA = 2;
const IFLA_INFO_SLAVE_KIND = 4;
const IFLA_INFO_SLAVE_DATA = 5;
const IFLA_BRPORT_MODE = 4;
const IFLA_BRPORT_ISOLATED = 33;
/** The other end of a veth pair, `struct ifinfomsg` and attributes: linux/veth.h. */
const VETH_INFO_PEER = 1;
/** Statistics are left out of answers: linux/rtnetlink.h. */
const RTEXT_FILTER_SKIP_STATS = 8;

/** Link flags: linux/if.h. */
const IFF_UP = 0x1;
const IFF_PROMISC = 0x100;
const IFF_LOWER_UP = 0x10000;

const encoder = new TextEncoder();

/** A new bridge. */
export interface NewBridge {
  readonly name: string;
  readonly mtuBytes?: number;
  readonly mac?: Mac;
}

/** A new veth pair, the peer in another namespace. */
export interface NewVeth {
  readonly name: string;
  /** Of both ends. */
  readonly mtuBytes: number;
  readonly peer: {
    readonly name: string;
    readonly mac?: Mac;
    /** Open file descriptor of the namespace that the peer is made in. */
    readonly netnsFd: number;
  };
}

/** A new ifb: what is redirected to it waits there in a queue, then goes on as if it came anew. */
export interface NewIfb {
  readonly name: string;
  readonly mtuBytes: number;
}

/** What can be changed of a link; absent fields stay. */
export interface LinkChanges {
  readonly up?: boolean;
  readonly promiscuous?: boolean;
  readonly mtuBytes?: number;
  readonly mac?: Mac;
  readonly alias?: string;
  readonly masterIndex?: number | undefined;
  readonly group?: number;
}

/** Flags of a bridge port. */
export interface BridgePortFlags {
  readonly hairpin: boolean;
  readonly isolated: boolean;
}

/** Creates a bridge that is up at once. */
export function addBridge(bridge: NewBridge): RouteRequest {
  const body = linkHeader({ flags: IFF_UP, change: IFF_UP });
  writeLinkAttributes(body, bridge);
  body.nested(IFLA_LINKINFO, (info) => info.attributeString(IFLA_INFO_KIND, "bridge"));
  return routeRequest("RTM_NEWLINK", body, NLM_F_CREATE | NLM_F_EXCL);
}

/**
 * Creates a veth pair of our link group. Both ends are down: the kernel refuses (ENOTCONN) to bring
 * up an end before it has the other. An alias is not taken here either.
 */
export function addVeth({ name, mtuBytes, peer }: NewVeth): RouteRequest {
  const body = newLink({ name, mtuBytes });
  body.nested(IFLA_LINKINFO, (info) => {
    info.attributeString(IFLA_INFO_KIND, "veth");
    info.nested(IFLA_INFO_DATA, (data) => {
      data.nested(VETH_INFO_PEER, (other) => {
        other.bytes(linkHeader().finish());
        writeLinkAttributes(other, { ...peer, mtuBytes });
        other.attributeU32(IFLA_NET_NS_FD, peer.netnsFd);
      });
    });
  });
  return routeRequest("RTM_NEWLINK", body, NLM_F_CREATE | NLM_F_EXCL);
}

/** Creates an ifb of our link group that is up at once. An alias is not taken here. */
export function addIfb(ifb: NewIfb): RouteRequest {
  const body = newLink(ifb, IFF_UP);
  body.nested(IFLA_LINKINFO, (info) => info.attributeString(IFLA_INFO_KIND, "ifb"));
  return routeRequest("RTM_NEWLINK", body, NLM_F_CREATE | NLM_F_EXCL);
}

/** Changes the link of that name. */
export function setLink(name: string, changes: LinkChanges): RouteRequest {
  const body = linkHeader({
    flags: (changes.up ? IFF_UP : 0) | (changes.promiscuous ? IFF_PROMISC : 0),
    change: (changes.up === undefined ? 0 : IFF_UP) |
      (changes.promiscuous === undefined ? 0 : IFF_PROMISC),
  });
  writeLinkAttributes(body, { name, ...changes });
  // Without a closing NUL, which would count among the 255 bytes.
  if (changes.alias !== undefined) body.attribute(IFLA_IFALIAS, encoder.encode(changes.alias));
  if (changes.masterIndex !== undefined) body.attributeU32(IFLA_MASTER, changes.masterIndex);
  if (changes.group !== undefined) body.attributeU32(IFLA_GROUP, changes.group);
  return routeRequest("RTM_SETLINK", body);
}

/** Sets flags of a bridge port; the kernel refuses a link that is no port (EOPNOTSUPP). */
export function setBridgePort(index: number, flags: BridgePortFlags): RouteRequest {
  const body = linkHeader({ family: AF_BRIDGE, index });
  body.nested(IFLA_PROTINFO, (port) => {
    port.attributeU8(IFLA_BRPORT_MODE, flags.hairpin ? 1 : 0);
    port.attributeU8(IFLA_BRPORT_ISOLATED, flags.isolated ? 1 : 0);
  });
  return routeRequest("RTM_SETLINK", body);
}

/** Removes the link of that name; of a veth, the other end too. */
export function removeLink(name: string): RouteRequest {
  return routeRequest("RTM_DELLINK", linkHeader().attributeString(IFLA_IFNAME, name));
}

/**
 * Removes all links of a group, other than 0, in the time of one: `rtnl_group_dellink`,
 * net/core/rtnetlink.c.
 */
export function removeLinkGroup(group: number): RouteRequest {
  return routeRequest("RTM_DELLINK", linkHeader().attributeU32(IFLA_GROUP, group));
}

/** Asks for one link by its name or index: one message for {@linkcode decodeLink}. */
export function getLink(link: string | number): RouteRequest {
  const body = typeof link === "number"
    ? linkHeader({ index: link })
    : linkHeader().attributeString(IFLA_IFNAME, link);
  return routeRequest("RTM_GETLINK", body.attributeU32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS));
}

/** Asks for all links, or for the ports of one bridge. */
export function listLinks(masterIndex?: number): RouteRequest {
  const body = linkHeader().attributeU32(IFLA_EXT_MASK, RTEXT_FILTER_SKIP_STATS);
  if (masterIndex !== undefined) body.attributeU32(IFLA_MASTER, masterIndex);
  return dumpRequest("RTM_GETLINK", body);
}

/**
 * Reads an `RTM_NEWLINK` message.
 * @throws RangeError when it is cut short.
 */
export function decodeLink(message: Message): Link {
  const header = viewOf(message.body);
  const flags = header.getUint32(8, true);
  const attributes = parseAttributes(message.body.subarray(HEADER_BYTES));
  const info = nestedAttributes(attributes, IFLA_LINKINFO);
  const mac = attributes.get(IFLA_ADDRESS);
  const alias = readString(attributes.get(IFLA_IFALIAS));
  const group = readU32(attributes.get(IFLA_GROUP));
  const linkKind = readString(info.get(IFLA_INFO_KIND));
  const masterIndex = readU32(attributes.get(IFLA_MASTER));
  const peerIndex = linkKind === "veth" ? readU32(attributes.get(IFLA_LINK)) : undefined;
  const port = decodePort(info);
  return {
    index: header.getInt32(4, true),
    name: readString(attributes.get(IFLA_IFNAME)) ?? "",
    mtuBytes: readU32(attributes.get(IFLA_MTU)) ?? 0,
    up: (flags & IFF_UP) !== 0,
    promiscuous: (flags & IFF_PROMISC) !== 0,
    carrier: (flags & IFF_LOWER_UP) !== 0,
    ...mac && mac.length === 6 && { mac: Uint8Array.from(mac) },
    ...alias !== undefined && { alias },
    ...group && { group },
    ...linkKind !== undefined && { linkKind },
    ...masterIndex !== undefined && { masterIndex },
    ...peerIndex !== undefined && { peerIndex },
    ...port && { port },
  };
}

/** The port flags of a link whose master is a bridge. */
function decodePort(info: Attributes): BridgePortFlags | undefined {
  if (readString(info.get(IFLA_INFO_SLAVE_KIND)) !== "bridge") return undefined;
  const data = nestedAttributes(info, IFLA_INFO_SLAVE_DATA);
  return {
    hairpin: data.get(IFLA_BRPORT_MODE)?.at(0) === 1,
    isolated: data.get(IFLA_BRPORT_ISOLATED)?.at(0) === 1,
  };
}

interface LinkHeader {
  readonly family?: number;
  readonly index?: number;
  readonly flags?: number;
  /** Which flags are meant. */
  readonly change?: number;
}

function linkHeader({ family = AF_UNSPEC, index = 0, flags = 0, change = 0 }: LinkHeader = {}) {
  return new WireWriter().u8(family).u8(0).u16(0).u32(index).u32(flags).u32(change);
}

/** The beginning of a request for a link of our group. */
function newLink(attributes: LinkAttributes, flags = 0): WireWriter {
  const body = linkHeader({ flags, change: flags });
  writeLinkAttributes(body, attributes);
  return body.attributeU32(IFLA_GROUP, HEADCNI_LINK_GROUP);
}

interface LinkAttributes {
  readonly name: string;
  readonly mtuBytes?: number;
  readonly mac?: Mac;
}

function writeLinkAttributes(writer: WireWriter, { name, mtuBytes, mac }: LinkAttributes): void {
  writer.attributeString(IFLA_IFNAME, name);
  if (mtuBytes !== undefined) writer.attributeU32(IFLA_MTU, mtuBytes);
  if (mac) writer.attribute(IFLA_ADDRESS, mac);
}
