/** Echo requests and replies: RFC 792 and RFC 4443, section 4. */
import type { Family } from "./address.ts";

/** What tells an echo from others. */
export interface EchoMark {
  /** Of the sender, 16 bits. */
  readonly identifier: number;
  /** 16 bits. */
  readonly sequence: number;
}

/** Types of the messages by family. */
const REQUEST: Readonly<Record<Family, number>> = { 4: 8, 6: 128 };
const REPLY: Readonly<Record<Family, number>> = { 4: 0, 6: 129 };

/** Header of the message: type, code, checksum, identifier, sequence. */
const ECHO_BYTES = 8;
/** Headers of IP without options by family: RFC 791, RFC 8200. */
const IP_BYTES: Readonly<Record<Family, number>> = { 4: 20, 6: 40 };

/** Smallest packet that carries an echo, in bytes. */
export function minimalEchoBytes(family: Family): number {
  return IP_BYTES[family] + ECHO_BYTES;
}

/**
 * A request without its IP header.
 * @param packetBytes length with the IP header.
 */
export function encodeEchoRequest(
  family: Family,
  { identifier, sequence }: EchoMark,
  packetBytes: number = minimalEchoBytes(family),
): Uint8Array<ArrayBuffer> {
  const message = new Uint8Array(packetBytes - IP_BYTES[family]);
  const view = new DataView(message.buffer);
  view.setUint8(0, REQUEST[family]);
  view.setUint16(4, identifier);
  view.setUint16(6, sequence);
  // The kernel fills in that of ICMPv6, which covers the addresses: RFC 3542 section 3.1.
  if (family === 4) view.setUint16(2, checksum(view));
  return message;
}

/** True for the answer to a request, as a raw socket gets it: IPv4 with the IP header, raw(7). */
export function isEchoReply(family: Family, packet: Uint8Array, mark: EchoMark): boolean {
  const headerBytes = family === 4 ? ((packet[0] ?? 0) & 0x0f) * 4 : 0;
  if (packet.length < headerBytes + ECHO_BYTES) return false;
  const view = new DataView(packet.buffer, packet.byteOffset + headerBytes);
  return view.getUint8(0) === REPLY[family] && view.getUint16(4) === mark.identifier &&
    view.getUint16(6) === mark.sequence;
}

/** RFC 1071. */
function checksum(view: DataView): number {
  let sum = 0;
  for (let at = 0; at < view.byteLength; at += 2) {
    sum += at + 1 < view.byteLength ? view.getUint16(at) : view.getUint8(at) << 8;
  }
  while (sum > 0xffff) sum = (sum & 0xffff) + (sum >>> 16);
  return ~sum & 0xffff;
}
