import { MAX_IFNAME_BYTES } from "../net/link.ts";
import * as nf from "./nf_tables.ts";
import type { Statement } from "./statement.ts";

/** The link by which a packet came in, or goes out, in nft(8)'s words. */
export type LinkField = keyof typeof META_KEYS;

const META_KEYS = { iifname: nf.NFT_META_IIFNAME, oifname: nf.NFT_META_OIFNAME } as const;

/** Goes on only with packets of a link of that name, which may come and go. */
export function matchLink(field: LinkField, name: string): Statement {
  // The kernel compares all of it, with the NULs at its end.
  const bytes = new Uint8Array(MAX_IFNAME_BYTES + 1);
  bytes.set(new TextEncoder().encode(name));
  return {
    text: `${field} "${name}"`,
    expressions: [
      {
        name: "meta",
        data: [[nf.NFTA_META_KEY, META_KEYS[field]], [nf.NFTA_META_DREG, nf.NFT_REG_1]],
      },
      {
        name: "cmp",
        data: [
          [nf.NFTA_CMP_SREG, nf.NFT_REG_1],
          [nf.NFTA_CMP_OP, nf.NFT_CMP_EQ],
          [nf.NFTA_CMP_DATA, [[nf.NFTA_DATA_VALUE, bytes]]],
        ],
      },
    ],
  };
}
