import type { Family } from "../net/address.ts";
import { type DataType, typeWords } from "./data_type.ts";
import type { PacketMap } from "./map.ts";
import { setMarkBit } from "./mark.ts";
import * as nf from "./nf_tables.ts";
import { type Expression, IP_VERSIONS, type Statement } from "./statement.ts";
import type { Tree } from "./tree.ts";

/**
 * Gives the packet the destination that a map has for it, and ends the chain; goes on when the map
 * has none. The key is made of what the packet is sent to: address, protocol, port.
 * @param markBit is set in the mark of a packet that the map has a destination for.
 */
export function dnatByMap(
  family: Family,
  map: Pick<PacketMap, "name" | "key" | "value">,
  markBit?: number,
): Statement {
  const { header, protocol } = IP_VERSIONS[family];
  const mark = markBit === undefined ? undefined : setMarkBit(markBit);
  const fields = map.key.map((type) => FIELDS[type]);
  const words = fields.map(({ text }) => text).join(" . ");
  const [address = "ipv4_addr"] = map.value;
  return {
    // The mark comes first, as nft(8) lists it: it sees a lookup as a part of what uses its value.
    text: `${mark ? `${mark.text} ` : ""}dnat ${header} to ${words} map @${map.name}`,
    expressions: [
      ...loadKey(map.key),
      {
        name: "lookup",
        data: [
          [nf.NFTA_LOOKUP_SREG, nf.NFT_REG_1],
          [nf.NFTA_LOOKUP_SET, map.name],
          [nf.NFTA_LOOKUP_DREG, nf.NFT_REG_1],
          [nf.NFTA_LOOKUP_FLAGS, 0],
        ],
      },
      ...mark?.expressions ?? [],
      {
        name: "nat",
        data: [
          [nf.NFTA_NAT_TYPE, nf.NFT_NAT_DNAT],
          [nf.NFTA_NAT_FAMILY, protocol],
          [nf.NFTA_NAT_REG_ADDR_MIN, nf.NFT_REG_1],
          [nf.NFTA_NAT_REG_PROTO_MIN, registerOf(typeWords(address))],
        ],
      },
    ],
  };
}

/** A part of a packet. */
interface Field {
  readonly text: string;
  readonly name: "payload" | "meta";
  /** Type of the attribute that names the register. */
  readonly register: number;
  readonly data: Tree;
}

const FIELDS: Readonly<Record<DataType, Field>> = {
  ipv4_addr: destination(4),
  ipv6_addr: destination(6),
  inet_proto: {
    text: "meta l4proto",
    name: "meta",
    register: nf.NFTA_META_DREG,
    data: [[nf.NFTA_META_KEY, nf.NFT_META_L4PROTO]],
  },
  // Where TCP, UDP and SCTP have it: RFC 9293, RFC 768, RFC 9260.
  inet_service: payload("th dport", nf.NFT_PAYLOAD_TRANSPORT_HEADER, 2, 2),
};

function destination(family: Family): Field {
  const { header, daddr, bytes } = IP_VERSIONS[family];
  return payload(`${header} daddr`, nf.NFT_PAYLOAD_NETWORK_HEADER, daddr, bytes);
}

function payload(text: string, base: number, offset: number, bytes: number): Field {
  return {
    text,
    name: "payload",
    register: nf.NFTA_PAYLOAD_DREG,
    data: [
      [nf.NFTA_PAYLOAD_BASE, base],
      [nf.NFTA_PAYLOAD_OFFSET, offset],
      [nf.NFTA_PAYLOAD_LEN, bytes],
    ],
  };
}

/** Loads the parts of a key into registers that follow each other. */
function loadKey(types: readonly DataType[]): Expression[] {
  let word = 0;
  return types.map((type) => {
    const { name, register, data } = FIELDS[type];
    const at = registerOf(word);
    word += typeWords(type);
    return { name, data: [[register, at], ...data] };
  });
}

/** The register as the kernel names it, that many words of 32 bits after the first. */
function registerOf(word: number): number {
  return word % 4 === 0 ? nf.NFT_REG_1 + word / 4 : nf.NFT_REG32_00 + word;
}
