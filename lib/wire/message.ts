import { parseAttributes, readString, viewOf, WireWriter } from "./attribute.ts";

/** Bytes of `struct nlmsghdr`: u32 length, u16 type, u16 flags, u32 sequence, u32 port. */
const HEADER_BYTES = 16;

/** Message types below the protocol's own: linux/netlink.h. */
export const NLMSG_NOOP = 1;
export const NLMSG_ERROR = 2;
export const NLMSG_DONE = 3;

/** Message flags: linux/netlink.h. */
export const NLM_F_REQUEST = 0x001;
export const NLM_F_ACK = 0x004;
/** The answer goes to the asker, not only to those who listen. */
export const NLM_F_ECHO = 0x008;
/** The dump was disturbed by a change and must be repeated. */
export const NLM_F_DUMP_INTR = 0x010;
export const NLM_F_DUMP = 0x300;
export const NLM_F_REPLACE = 0x100;
export const NLM_F_EXCL = 0x200;
export const NLM_F_CREATE = 0x400;
export const NLM_F_APPEND = 0x800;
/** An acknowledgement without the copy of the request: `NLM_F_CAPPED`. */
const NLM_F_CAPPED = 0x100;
/** Extended acknowledgement attributes follow: `NLM_F_ACK_TLVS`. */
const NLM_F_ACK_TLVS = 0x200;
/** Text of an extended acknowledgement: `enum nlmsgerr_attrs`, linux/netlink.h. */
const NLMSGERR_ATTR_MSG = 1;

/** A request before the socket numbers it. */
export interface Request {
  /** Message type, such as `RTM_NEWLINK`. */
  readonly type: number;
  /** All of them, `NLM_F_REQUEST` included. */
  readonly flags: number;
  /** The protocol's own header and attributes. */
  readonly body: Uint8Array;
}

/** A message as received. */
export interface Message {
  readonly type: number;
  readonly flags: number;
  readonly sequence: number;
  readonly body: Uint8Array;
}

/** What `NLMSG_ERROR` says: errno 0 is an acknowledgement. */
export interface Acknowledgement {
  /** Positive errno, 0 for success. */
  readonly errno: number;
  /** The kernel's own words (extended acknowledgement), when it has any. */
  readonly text?: string;
}

/** One request as bytes, padded to four. */
export function encodeMessage(request: Request, sequence: number): Uint8Array<ArrayBuffer> {
  const writer = new WireWriter()
    .u32(HEADER_BYTES + request.body.length)
    .u16(request.type)
    .u16(request.flags)
    .u32(sequence)
    .u32(0)
    .bytes(request.body);
  return writer.bytes(new Uint8Array(-writer.length & 3)).finish();
}

/**
 * Splits one datagram into its messages.
 * @throws RangeError when a length runs past the end.
 */
export function parseMessages(bytes: Uint8Array): Message[] {
  const messages: Message[] = [];
  const view = viewOf(bytes);
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const length = view.getUint32(at, true);
    if (length < HEADER_BYTES || at + length > bytes.length) {
      throw new RangeError(`Cannot read a netlink message at byte ${at}: length ${length}`);
    }
    messages.push({
      type: view.getUint16(at + 4, true),
      flags: view.getUint16(at + 6, true),
      sequence: view.getUint32(at + 8, true),
      body: bytes.subarray(at + HEADER_BYTES, at + length),
    });
    at += (length + 3) & ~3;
  }
  return messages;
}

/** Reads the body of an `NLMSG_ERROR` or `NLMSG_DONE` message, extended text included. */
export function parseAcknowledgement(message: Message): Acknowledgement {
  const errno = -viewOf(message.body).getInt32(0, true) | 0;
  if (!(message.flags & NLM_F_ACK_TLVS)) return { errno };
  const attributes = parseAttributes(message.body.subarray(4 + echoedBytes(message)));
  const text = readString(attributes.get(NLMSGERR_ATTR_MSG));
  return text === undefined ? { errno } : { errno, text };
}

/**
 * How many bytes of the request follow the errno: after `NLMSG_DONE` none; after `NLMSG_ERROR`
 * its header, and its body unless capped (`struct nlmsgerr`).
 */
function echoedBytes(message: Message): number {
  if (message.type === NLMSG_DONE) return 0;
  if (message.flags & NLM_F_CAPPED) return HEADER_BYTES;
  return (viewOf(message.body).getUint32(4, true) + 3) & ~3;
}
