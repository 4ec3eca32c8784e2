import { addressBytes, type Family, FAMILY_BITS } from "../net/address.ts";
import { formatPrefix, type Prefix } from "../net/prefix.ts";
import * as nf from "./nf_tables.ts";
import { type AddressField, IP_VERSIONS, loadAddress, type Statement } from "./statement.ts";

/** Goes on only if the address is in the prefix. */
export function matchPrefix(field: AddressField, prefix: Prefix): Statement {
  const { family } = prefix.address;
  const { header, bytes } = IP_VERSIONS[family];
  const mask = maskBytes(family, prefix.length);
  return {
    text: `${header} ${field} ${formatPrefix(prefix)}`,
    expressions: [
      loadAddress(family, field),
      {
        name: "bitwise",
        data: [
          [nf.NFTA_BITWISE_SREG, nf.NFT_REG_1],
          [nf.NFTA_BITWISE_DREG, nf.NFT_REG_1],
          [nf.NFTA_BITWISE_LEN, bytes],
          [nf.NFTA_BITWISE_MASK, [[nf.NFTA_DATA_VALUE, mask]]],
          [nf.NFTA_BITWISE_XOR, [[nf.NFTA_DATA_VALUE, new Uint8Array(bytes)]]],
        ],
      },
      {
        name: "cmp",
        data: [
          [nf.NFTA_CMP_SREG, nf.NFT_REG_1],
          [nf.NFTA_CMP_OP, nf.NFT_CMP_EQ],
          [nf.NFTA_CMP_DATA, [[nf.NFTA_DATA_VALUE, addressBytes(prefix.address)]]],
        ],
      },
    ],
  };
}

function maskBytes(family: Family, length: number): Uint8Array {
  const bits = BigInt(FAMILY_BITS[family]);
  const value = (1n << bits) - (1n << (bits - BigInt(length)));
  return addressBytes({ family, value });
}
