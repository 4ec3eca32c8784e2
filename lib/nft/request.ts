import { WireWriter } from "../wire/attribute.ts";
import { NLM_F_REQUEST, type Request } from "../wire/message.ts";
import {
  NFNL_SUBSYS_NFTABLES,
  NFPROTO_INET,
  NFPROTO_UNSPEC,
  NFT_MESSAGES,
  type NftMessage,
} from "./nf_tables.ts";
import { type Tree, writeTree } from "./tree.ts";

/** Bytes of `struct nfgenmsg`, linux/netfilter/nfnetlink.h: u8 family, u8 version, be16 resource. */
export const NFGENMSG_BYTES = 4;

/**
 * A request to nf_tables.
 * @param family of the table that it is about: `NFPROTO_*`.
 */
export function nftRequest(
  message: NftMessage,
  flags: number,
  attributes: Tree,
  family: number = NFPROTO_INET,
): Request {
  const type = NFNL_SUBSYS_NFTABLES << 8 | NFT_MESSAGES[message];
  return encode(type, flags, family, 0, attributes);
}

/** `NFNL_MSG_BATCH_BEGIN` or `NFNL_MSG_BATCH_END` of a transaction of nf_tables. */
export function bracketRequest(type: number, attributes: Tree): Request {
  return encode(type, 0, NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES, attributes);
}

function encode(
  type: number,
  flags: number,
  family: number,
  resource: number,
  attributes: Tree,
): Request {
  const writer = new WireWriter().u8(family).u8(0).u16be(resource);
  writeTree(writer, attributes);
  return { type, flags: NLM_F_REQUEST | flags, body: writer.finish() };
}
