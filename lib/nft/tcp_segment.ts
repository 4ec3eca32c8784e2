/** The first packets of a TCP connection, and the segment size that each end names in its own. */
import * as nf from "./nf_tables.ts";
import type { Expression, Statement } from "./statement.ts";
import type { Tree } from "./tree.ts";

/** `IPPROTO_TCP`, linux/in.h. */
const IPPROTO_TCP = 6;
/** Where the flags are in the header, and SYN among them: RFC 9293 section 3.1. */
const FLAGS_OFFSET = 13;
const SYN = 0x02;
/** The option, and where its value is in it, and how long: RFC 9293 section 3.2. */
const MAXSEG = { kind: 2, offset: 2, bytes: 2 } as const;
/** The highest that the option can say. */
const MAX_SEGMENT_BYTES = 0xffff;

/** Goes on only with the first packet of each end of a connection. */
export function matchSyn(): Statement {
  return {
    text: "tcp flags syn",
    expressions: [
      {
        name: "meta",
        data: [[nf.NFTA_META_KEY, nf.NFT_META_L4PROTO], [nf.NFTA_META_DREG, nf.NFT_REG_1]],
      },
      compare(nf.NFT_CMP_EQ, IPPROTO_TCP),
      {
        name: "payload",
        data: [
          [nf.NFTA_PAYLOAD_DREG, nf.NFT_REG_1],
          [nf.NFTA_PAYLOAD_BASE, nf.NFT_PAYLOAD_TRANSPORT_HEADER],
          [nf.NFTA_PAYLOAD_OFFSET, FLAGS_OFFSET],
          [nf.NFTA_PAYLOAD_LEN, 1],
        ],
      },
      {
        name: "bitwise",
        data: [
          [nf.NFTA_BITWISE_SREG, nf.NFT_REG_1],
          [nf.NFTA_BITWISE_DREG, nf.NFT_REG_1],
          [nf.NFTA_BITWISE_LEN, 1],
          [nf.NFTA_BITWISE_MASK, [[nf.NFTA_DATA_VALUE, Uint8Array.of(SYN)]]],
          [nf.NFTA_BITWISE_XOR, [[nf.NFTA_DATA_VALUE, Uint8Array.of(0)]]],
        ],
      },
      compare(nf.NFT_CMP_NEQ, 0),
    ],
  };
}

/**
 * Lowers the segment size that a packet names; the kernel never raises one, and adds none where none
 * is named: `nft_exthdr_tcp_set_eval`, net/netfilter/nft_exthdr.c.
 */
export function lowerSegment(bytes: number): Statement {
  const size = Math.min(bytes, MAX_SEGMENT_BYTES);
  const value: Tree = [[nf.NFTA_DATA_VALUE, Uint8Array.of(size >> 8, size & 0xff)]];
  return {
    text: `tcp option maxseg size set ${size}`,
    expressions: [
      {
        name: "immediate",
        data: [[nf.NFTA_IMMEDIATE_DREG, nf.NFT_REG_1], [nf.NFTA_IMMEDIATE_DATA, value]],
      },
      {
        name: "exthdr",
        data: [
          [nf.NFTA_EXTHDR_SREG, nf.NFT_REG_1],
          [nf.NFTA_EXTHDR_TYPE, Uint8Array.of(MAXSEG.kind)],
          [nf.NFTA_EXTHDR_OFFSET, MAXSEG.offset],
          [nf.NFTA_EXTHDR_LEN, MAXSEG.bytes],
          [nf.NFTA_EXTHDR_OP, nf.NFT_EXTHDR_OP_TCPOPT],
        ],
      },
    ],
  };
}

function compare(operator: number, byte: number): Expression {
  return {
    name: "cmp",
    data: [
      [nf.NFTA_CMP_SREG, nf.NFT_REG_1],
      [nf.NFTA_CMP_OP, operator],
      [nf.NFTA_CMP_DATA, [[nf.NFTA_DATA_VALUE, Uint8Array.of(byte)]]],
    ],
  };
}
