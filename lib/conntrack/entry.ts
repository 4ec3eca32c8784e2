/** Entries of connection tracking, as the kernel tells of them over netlink. */
import { type Address, addressFromBytes, equalAddresses } from "../net/address.ts";
import { type HostPort, PROTOCOL_NUMBERS } from "../net/host_port.ts";
import { containsAddress, type Prefix } from "../net/prefix.ts";
import { nestedAttributes, parseAttributes, viewOf } from "../wire/attribute.ts";
import type { Message } from "../wire/message.ts";
import * as ct from "./ctnetlink.ts";

/** Packets of one direction. */
export interface Tuple {
  readonly source: Address;
  readonly destination: Address;
  /** IP protocol number. */
  readonly protocol: number;
  readonly sourcePort: number;
  readonly destinationPort: number;
}

/** One tracked connection. */
export interface Entry {
  /** As the first packet was sent. */
  readonly original: Tuple;
  /** As the answers to it are sent: from where it was led to. */
  readonly reply: Tuple;
  /** What names it to the kernel. */
  readonly name: EntryName;
}

/** Attributes of an entry as the kernel sent them. */
export interface EntryName {
  /** Family of netfilter, linux/netfilter.h. */
  readonly family: number;
  /** `CTA_TUPLE_ORIG`. */
  readonly original: Uint8Array;
  /** `CTA_ID`. */
  readonly id: Uint8Array;
  /** `CTA_ZONE`, where it is in another than the default one. */
  readonly zone: Uint8Array | undefined;
}

/**
 * Reads an entry; undefined when it is of a protocol without ports.
 * @throws RangeError when it is cut short.
 */
export function parseEntry({ body }: Message): Entry | undefined {
  const attributes = parseAttributes(body.subarray(ct.NFGENMSG_BYTES));
  const original = parseTuple(attributes.get(ct.CTA_TUPLE_ORIG));
  const reply = parseTuple(attributes.get(ct.CTA_TUPLE_REPLY));
  const bytes = attributes.get(ct.CTA_TUPLE_ORIG);
  const id = attributes.get(ct.CTA_ID);
  if (!original || !reply || !bytes || !id) return undefined;
  const zone = attributes.get(ct.CTA_ZONE);
  return { original, reply, name: { family: viewOf(body).getUint8(0), original: bytes, id, zone } };
}

/**
 * True for a UDP flow to a host port that does not lead where the port leads now: the kernel looks
 * at the rules for the first packet of a flow only.
 * @param isLocal tells whether the node has an address.
 */
export function isStale(
  { original, reply }: Entry,
  port: HostPort,
  isLocal: (address: Address) => boolean,
): boolean {
  const { destination } = original;
  return original.protocol === PROTOCOL_NUMBERS.udp &&
    original.destinationPort === port.hostPort && destination.family === port.target.family &&
    !isLedTo(reply, port) &&
    (port.hostIp ? equalAddresses(destination, port.hostIp) : isLocal(destination));
}

/** True for a UDP flow that a host port led to the pod. */
export function isLed({ original, reply }: Entry, port: HostPort): boolean {
  return original.protocol === PROTOCOL_NUMBERS.udp &&
    original.destinationPort === port.hostPort && isLedTo(reply, port) &&
    !equalAddresses(original.destination, port.target);
}

/** True for a UDP flow from one of the sources to one of the destinations whose sender is hidden. */
export function isHidden(
  { original, reply }: Entry,
  sources: readonly Prefix[],
  destinations: readonly Prefix[],
): boolean {
  return original.protocol === PROTOCOL_NUMBERS.udp &&
    !equalAddresses(original.source, reply.destination) &&
    sources.some((prefix) => containsAddress(prefix, original.source)) &&
    destinations.some((prefix) => containsAddress(prefix, original.destination));
}

function isLedTo(reply: Tuple, { target, targetPort }: HostPort): boolean {
  return equalAddresses(reply.source, target) && reply.sourcePort === targetPort;
}

function parseTuple(payload: Uint8Array | undefined): Tuple | undefined {
  const tuple = parseAttributes(payload ?? new Uint8Array());
  const ip = nestedAttributes(tuple, ct.CTA_TUPLE_IP);
  const proto = nestedAttributes(tuple, ct.CTA_TUPLE_PROTO);
  const source = ip.get(ct.CTA_IP_V4_SRC) ?? ip.get(ct.CTA_IP_V6_SRC);
  const destination = ip.get(ct.CTA_IP_V4_DST) ?? ip.get(ct.CTA_IP_V6_DST);
  const sourcePort = proto.get(ct.CTA_PROTO_SRC_PORT);
  const destinationPort = proto.get(ct.CTA_PROTO_DST_PORT);
  const protocol = proto.get(ct.CTA_PROTO_NUM)?.at(0);
  if (!source || !destination || !sourcePort || !destinationPort || protocol === undefined) {
    return undefined;
  }
  return {
    source: addressFromBytes(source),
    destination: addressFromBytes(destination),
    protocol,
    sourcePort: viewOf(sourcePort).getUint16(0),
    destinationPort: viewOf(destinationPort).getUint16(0),
  };
}
