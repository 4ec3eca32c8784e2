/**
 * Netlink attributes: type-length-value, padded to four bytes, numbers in host byte order unless
 * said otherwise (linux/netlink.h, `struct nlattr`; lib/nlattr.c). Shared by rtnetlink and
 * nf_tables. Host order is taken to be little endian: every platform that Deno has is.
 */

/** Flag of attributes that hold attributes: `NLA_F_NESTED`, linux/netlink.h. */
export const NLA_F_NESTED = 0x8000;
/** Bits of `nla_type` that are the type: `NLA_TYPE_MASK`, linux/netlink.h. */
const NLA_TYPE_MASK = 0x3fff;
const HEADER_BYTES = 4;

const encoder = new TextEncoder();
const decoder = new TextDecoder();

/** Appends numbers, structs and attributes to a growing buffer. */
export class WireWriter {
  #bytes = new Uint8Array(256);
  #view = new DataView(this.#bytes.buffer);
  #length = 0;

  /** Bytes written so far. */
  get length(): number {
    return this.#length;
  }

  /** A copy of what was written. */
  finish(): Uint8Array<ArrayBuffer> {
    return this.#bytes.slice(0, this.#length);
  }

  u8(value: number): this {
    const at = this.#reserve(1); // first: it may replace the buffer
    this.#bytes[at] = value;
    return this;
  }

  u16(value: number): this {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, true);
    return this;
  }

  u16be(value: number): this {
    const at = this.#reserve(2);
    this.#view.setUint16(at, value, false);
    return this;
  }

  u32(value: number): this {
    const at = this.#reserve(4);
    this.#view.setUint32(at, value >>> 0, true);
    return this;
  }

  /** Raw bytes, without padding. */
  bytes(value: Uint8Array): this {
    const at = this.#reserve(value.length);
    this.#bytes.set(value, at);
    return this;
  }

  /** One attribute holding raw bytes. */
  attribute(type: number, payload: Uint8Array): this {
    this.u16(HEADER_BYTES + payload.length).u16(type).bytes(payload);
    return this.#pad();
  }

  attributeU8(type: number, value: number): this {
    return this.attribute(type, Uint8Array.of(value));
  }

  attributeU32(type: number, value: number): this {
    return this.u16(HEADER_BYTES + 4).u16(type).u32(value);
  }

  /** A whole number of at most 2^53. */
  attributeU64(type: number, value: number): this {
    return this.u16(HEADER_BYTES + 8).u16(type).u32(value).u32(Math.floor(value / 2 ** 32));
  }

  /** A string with its closing NUL. */
  attributeString(type: number, value: string): this {
    return this.attribute(type, cString(value));
  }

  /** An attribute whose payload is written by `fill`, flagged `NLA_F_NESTED`. */
  nested(type: number, fill: (writer: WireWriter) => void): this {
    const start = this.#length;
    this.u16(0).u16(type | NLA_F_NESTED);
    fill(this);
    this.#view.setUint16(start, this.#length - start, true);
    return this.#pad();
  }

  #pad(): this {
    const padding = -this.#length & 3;
    if (padding > 0) this.#reserve(padding);
    return this;
  }

  /** Makes room for `count` zero bytes and tells where they start. */
  #reserve(count: number): number {
    const at = this.#length;
    this.#length += count;
    if (this.#length > this.#bytes.length) {
      const grown = new Uint8Array(Math.max(this.#length, this.#bytes.length * 2));
      grown.set(this.#bytes);
      this.#bytes = grown;
      this.#view = new DataView(grown.buffer);
    }
    return at;
  }
}

/** Attributes by type; of a type that occurs twice, the last. */
export type Attributes = ReadonlyMap<number, Uint8Array>;

/** One attribute in the order in which the kernel sent it. */
export interface Attribute {
  readonly type: number;
  readonly payload: Uint8Array;
}

/**
 * Splits a run of attributes, flags stripped from the types.
 * @throws RangeError when a length runs past the end.
 */
export function parseAttributeList(bytes: Uint8Array): Attribute[] {
  const list: Attribute[] = [];
  const view = viewOf(bytes);
  for (let at = 0; at + HEADER_BYTES <= bytes.length;) {
    const length = view.getUint16(at, true);
    if (length < HEADER_BYTES || at + length > bytes.length) {
      throw new RangeError(`Cannot read a netlink attribute at byte ${at}: length ${length}`);
    }
    const type = view.getUint16(at + 2, true) & NLA_TYPE_MASK;
    list.push({ type, payload: bytes.subarray(at + HEADER_BYTES, at + length) });
    at += (length + 3) & ~3;
  }
  return list;
}

/** {@linkcode parseAttributeList} as a map. */
export function parseAttributes(bytes: Uint8Array): Attributes {
  return new Map(parseAttributeList(bytes).map(({ type, payload }) => [type, payload]));
}

/** The attributes within one; none when it is absent. */
export function nestedAttributes(attributes: Attributes, type: number): Attributes {
  return parseAttributes(attributes.get(type) ?? new Uint8Array());
}

/** A u32 payload in host order; undefined when the attribute is absent or short. */
export function readU32(payload: Uint8Array | undefined): number | undefined {
  return payload && payload.length >= 4 ? viewOf(payload).getUint32(0, true) : undefined;
}

/** A u64 payload in host order, exact up to 2^53; undefined when the attribute is absent or short. */
export function readU64(payload: Uint8Array | undefined): number | undefined {
  return payload && payload.length >= 8 ? Number(viewOf(payload).getBigUint64(0, true)) : undefined;
}

/** A u32 payload in network order; undefined when the attribute is absent or short. */
export function readU32be(payload: Uint8Array | undefined): number | undefined {
  return payload && payload.length >= 4 ? viewOf(payload).getUint32(0, false) : undefined;
}

/** A string payload without its closing NUL; undefined when the attribute is absent. */
export function readString(payload: Uint8Array | undefined): string | undefined {
  if (!payload) return undefined;
  const end = payload.indexOf(0);
  return decoder.decode(end < 0 ? payload : payload.subarray(0, end));
}

/** Text as C wants it: UTF-8 with a closing NUL. */
export function cString(text: string): Uint8Array<ArrayBuffer> {
  return encoder.encode(text + "\0");
}

/** A view of exactly these bytes, wherever they lie in their buffer. */
export function viewOf(bytes: Uint8Array): DataView {
  return new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
