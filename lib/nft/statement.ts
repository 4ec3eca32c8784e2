import type { Family } from "../net/address.ts";
import { parseAttributeList, parseAttributes, readString, WireWriter } from "../wire/attribute.ts";
import * as nf from "./nf_tables.ts";

/** One instruction of the kernel's packet filter, linux/netfilter/nf_tables.h. */
export interface Expression {
  /** Such as `payload`. */
  readonly name: string;
  /** Its attributes, `NFTA_EXPR_DATA`, as bytes. */
  readonly data: Uint8Array;
}

/** A part of a rule: what nft(8) calls it, and the expressions that carry it out. */
export interface Statement {
  readonly text: string;
  readonly expressions: readonly Expression[];
}

/** Which address of a packet, in nft(8)'s words. */
export type AddressField = "saddr" | "daddr";

/** What differs between the IP versions; offsets are of the header, RFC 791 and RFC 8200. */
const IP: Readonly<Record<Family, IpVersion>> = {
  4: { name: "ipv4", header: "ip", protocol: nf.NFPROTO_IPV4, bytes: 4, saddr: 12, daddr: 16 },
  6: { name: "ipv6", header: "ip6", protocol: nf.NFPROTO_IPV6, bytes: 16, saddr: 8, daddr: 24 },
};

interface IpVersion extends Readonly<Record<AddressField, number>> {
  readonly name: string;
  readonly header: string;
  readonly protocol: number;
  readonly bytes: number;
}

/** Goes on only with packets of one IP version: a table of family `inet` sees both. */
export function matchFamily(family: Family): Statement {
  const { name, protocol } = IP[family];
  return {
    text: `meta nfproto ${name}`,
    expressions: [
      expression("meta", (data) =>
        data
          .attributeU32be(nf.NFTA_META_KEY, nf.NFT_META_NFPROTO)
          .attributeU32be(nf.NFTA_META_DREG, nf.NFT_REG_1)),
      expression("cmp", (data) =>
        data
          .attributeU32be(nf.NFTA_CMP_SREG, nf.NFT_REG_1)
          .attributeU32be(nf.NFTA_CMP_OP, nf.NFT_CMP_EQ)
          .nested(nf.NFTA_CMP_DATA, (value) =>
            value.attribute(nf.NFTA_DATA_VALUE, Uint8Array.of(protocol)))),
    ],
  };
}

/** Goes on only if the address is in the set or, where `negated`, is not. */
export function matchAddress(
  family: Family,
  field: AddressField,
  set: string,
  negated = false,
): Statement {
  const { header, bytes, [field]: offset } = IP[family];
  return {
    text: `${header} ${field} ${negated ? "!= " : ""}@${set}`,
    expressions: [
      expression("payload", (data) =>
        data
          .attributeU32be(nf.NFTA_PAYLOAD_DREG, nf.NFT_REG_1)
          .attributeU32be(nf.NFTA_PAYLOAD_BASE, nf.NFT_PAYLOAD_NETWORK_HEADER)
          .attributeU32be(nf.NFTA_PAYLOAD_OFFSET, offset)
          .attributeU32be(nf.NFTA_PAYLOAD_LEN, bytes)),
      expression("lookup", (data) =>
        data
          .attributeU32be(nf.NFTA_LOOKUP_SREG, nf.NFT_REG_1)
          .attributeString(nf.NFTA_LOOKUP_SET, set)
          .attributeU32be(nf.NFTA_LOOKUP_FLAGS, negated ? nf.NFT_LOOKUP_F_INV : 0)),
    ],
  };
}

/** Gives the packet the address of the link by which it leaves, and a random source port. */
export function masquerade(): Statement {
  return {
    text: "masquerade fully-random",
    expressions: [
      expression(
        "masq",
        (data) => data.attributeU32be(nf.NFTA_MASQ_FLAGS, nf.NF_NAT_RANGE_PROTO_RANDOM_FULLY),
      ),
    ],
  };
}

/** The payload of `NFTA_RULE_EXPRESSIONS`. */
export function writeExpressions(writer: WireWriter, statements: readonly Statement[]): void {
  for (const { name, data } of statements.flatMap((statement) => statement.expressions)) {
    writer.nested(nf.NFTA_LIST_ELEM, (element) =>
      element
        .attributeString(nf.NFTA_EXPR_NAME, name)
        .nested(nf.NFTA_EXPR_DATA, (nested) => nested.bytes(data)));
  }
}

/** Reads the payload of `NFTA_RULE_EXPRESSIONS`. */
export function parseExpressions(payload: Uint8Array): Expression[] {
  return parseAttributeList(payload).map((element) => {
    const attributes = parseAttributes(element.payload);
    return {
      name: readString(attributes.get(nf.NFTA_EXPR_NAME)) ?? "",
      data: attributes.get(nf.NFTA_EXPR_DATA) ?? new Uint8Array(),
    };
  });
}

/**
 * True when the kernel's expressions do what ours do. The kernel puts attributes in another order,
 * and may add ones that we left to it: those that we wrote must be there and equal.
 */
export function isSameProgram(
  statements: readonly Statement[],
  have: readonly Expression[],
): boolean {
  const want = statements.flatMap((statement) => statement.expressions);
  return want.length === have.length && want.every((ours, i) => {
    const theirs = have[i];
    return theirs !== undefined && ours.name === theirs.name && holdsAll(theirs.data, ours.data);
  });
}

function expression(name: string, fill: (data: WireWriter) => void): Expression {
  const data = new WireWriter();
  fill(data);
  return { name, data: data.finish() };
}

/** True when every attribute of `part` is in `whole`, with the same bytes. */
function holdsAll(whole: Uint8Array, part: Uint8Array): boolean {
  const attributes = parseAttributes(whole);
  return parseAttributeList(part).every(({ type, payload }) => {
    const other = attributes.get(type);
    return other?.length === payload.length && payload.every((byte, i) => byte === other[i]);
  });
}
