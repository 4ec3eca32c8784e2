import type { Family } from "../net/address.ts";
import * as nf from "./nf_tables.ts";
import type { Tree } from "./tree.ts";

/** A part of a rule. */
export interface Statement {
  /** What nft(8) calls it. */
  readonly text: string;
  /** What carries it out. */
  readonly expressions: readonly Expression[];
}

/** One instruction of the kernel's packet filter, linux/netfilter/nf_tables.h. */
export interface Expression {
  /** Such as `payload`. */
  readonly name: string;
  /** All of its attributes, `NFTA_EXPR_DATA`, even those at their default: they are compared. */
  readonly data: Tree;
}

/** Which address of a packet, in nft(8)'s words. */
export type AddressField = "saddr" | "daddr";

/** Goes on only with packets of one IP version: a table of family `inet` sees both. */
export function matchFamily(family: Family): Statement {
  const { name, protocol } = IP_VERSIONS[family];
  return {
    text: `meta nfproto ${name}`,
    expressions: [
      {
        name: "meta",
        data: [[nf.NFTA_META_KEY, nf.NFT_META_NFPROTO], [nf.NFTA_META_DREG, nf.NFT_REG_1]],
      },
      {
        name: "cmp",
        data: [
          [nf.NFTA_CMP_SREG, nf.NFT_REG_1],
          [nf.NFTA_CMP_OP, nf.NFT_CMP_EQ],
          [nf.NFTA_CMP_DATA, [[nf.NFTA_DATA_VALUE, Uint8Array.of(protocol)]]],
        ],
      },
    ],
  };
}

/** Loads an address of the packet into register 1, in which matches look. */
export function loadAddress(family: Family, field: AddressField): Expression {
  const { bytes, [field]: offset } = IP_VERSIONS[family];
  return loadHeader(offset, bytes);
}

/** Loads a part of the packet's network header into register 1. */
export function loadHeader(offset: number, bytes: number): Expression {
  return {
    name: "payload",
    data: [
      [nf.NFTA_PAYLOAD_DREG, nf.NFT_REG_1],
      [nf.NFTA_PAYLOAD_BASE, nf.NFT_PAYLOAD_NETWORK_HEADER],
      [nf.NFTA_PAYLOAD_OFFSET, offset],
      [nf.NFTA_PAYLOAD_LEN, bytes],
    ],
  };
}

/** Goes on only if the address is in the set; with `!=`, only if it is not. */
export function matchAddress(
  family: Family,
  field: AddressField,
  operator: "==" | "!=",
  set: string,
): Statement {
  const { header } = IP_VERSIONS[family];
  return {
    text: `${header} ${field} ${operator === "!=" ? "!= " : ""}@${set}`,
    expressions: [
      loadAddress(family, field),
      {
        name: "lookup",
        data: [
          [nf.NFTA_LOOKUP_SREG, nf.NFT_REG_1],
          [nf.NFTA_LOOKUP_SET, set],
          [nf.NFTA_LOOKUP_FLAGS, operator === "!=" ? nf.NFT_LOOKUP_F_INV : 0],
        ],
      },
    ],
  };
}

/** Gives the packet the address of the link by which it leaves, and a random source port. */
export function masquerade(): Statement {
  return {
    text: "masquerade fully-random",
    expressions: [
      { name: "masq", data: [[nf.NFTA_MASQ_FLAGS, nf.NF_NAT_RANGE_PROTO_RANDOM_FULLY]] },
    ],
  };
}

/** What differs between the IP versions; offsets are of the header, RFC 791 and RFC 8200. */
export interface IpVersion extends Readonly<Record<AddressField, number>> {
  readonly name: string;
  readonly header: string;
  readonly protocol: number;
  readonly bytes: number;
}

/** By family. */
export const IP_VERSIONS: Readonly<Record<Family, IpVersion>> = {
  4: { name: "ipv4", header: "ip", protocol: nf.NFPROTO_IPV4, bytes: 4, saddr: 12, daddr: 16 },
  6: { name: "ipv6", header: "ip6", protocol: nf.NFPROTO_IPV6, bytes: 16, saddr: 8, daddr: 24 },
};
