/** Single bits of a packet's mark; the others, which belong to others, stay as they are. */
import * as nf from "./nf_tables.ts";
import type { Expression, Statement } from "./statement.ts";

/** Sets a bit. */
export function setMarkBit(bit: number): Statement {
  return {
    text: `meta mark set meta mark | ${hex(bit)}`,
    expressions: [
      loadMark(nf.NFT_REG_4),
      bitwise(nf.NFT_REG_4, ~bit, bit),
      {
        name: "meta",
        data: [[nf.NFTA_META_KEY, nf.NFT_META_MARK], [nf.NFTA_META_SREG, nf.NFT_REG_4]],
      },
    ],
  };
}

/** Goes on only with packets that have the bit. */
export function matchMarkBit(bit: number): Statement {
  return {
    text: `meta mark & ${hex(bit)} == ${hex(bit)}`,
    expressions: [
      loadMark(nf.NFT_REG_1),
      bitwise(nf.NFT_REG_1, bit, 0),
      {
        name: "cmp",
        data: [
          [nf.NFTA_CMP_SREG, nf.NFT_REG_1],
          [nf.NFTA_CMP_OP, nf.NFT_CMP_EQ],
          [nf.NFTA_CMP_DATA, [[nf.NFTA_DATA_VALUE, hostOrder(bit)]]],
        ],
      },
    ],
  };
}

function loadMark(register: number): Expression {
  return {
    name: "meta",
    data: [[nf.NFTA_META_KEY, nf.NFT_META_MARK], [nf.NFTA_META_DREG, register]],
  };
}

/** register = (register & mask) ^ xor. */
function bitwise(register: number, mask: number, xor: number): Expression {
  return {
    name: "bitwise",
    data: [
      [nf.NFTA_BITWISE_SREG, register],
      [nf.NFTA_BITWISE_DREG, register],
      [nf.NFTA_BITWISE_LEN, 4],
      [nf.NFTA_BITWISE_MASK, [[nf.NFTA_DATA_VALUE, hostOrder(mask)]]],
      [nf.NFTA_BITWISE_XOR, [[nf.NFTA_DATA_VALUE, hostOrder(xor)]]],
    ],
  };
}

function hostOrder(value: number): Uint8Array {
  const bytes = new Uint8Array(4);
  new DataView(bytes.buffer).setUint32(0, value >>> 0, true);
  return bytes;
}

function hex(value: number): string {
  return `0x${value.toString(16).padStart(8, "0")}`;
}
