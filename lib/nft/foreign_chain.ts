/** Chains of others: those that drop what is forwarded, and the chain of ours beside them. */
import { nestedAttributes, parseAttributes, readString, readU32be } from "../wire/attribute.ts";
import { type Message, NLM_F_DUMP } from "../wire/message.ts";
import * as nf from "./nf_tables.ts";
import { attributesOf, type Query } from "./query.ts";
import { TABLE_NAME } from "./table.ts";

/** A table of somebody else, in which we have a chain or need one. */
export interface ForeignTable {
  /** `NFPROTO_INET`, `NFPROTO_IPV4` or `NFPROTO_IPV6`. */
  readonly family: number;
  readonly name: string;
}

/** A base chain, or one that is jumped to. */
export interface ForeignChain {
  readonly table: ForeignTable;
  readonly name: string;
  /** True for a base chain of forwarded packets. */
  readonly isForward: boolean;
  /** True for one that drops what no rule decides. */
  readonly dropsForwarded: boolean;
}

/** Words of nft(8) for the families whose chains see forwarded packets of IP. */
export const FAMILY_WORDS: Readonly<Record<number, string>> = {
  [nf.NFPROTO_INET]: "inet",
  [nf.NFPROTO_IPV4]: "ip",
  [nf.NFPROTO_IPV6]: "ip6",
};

/** Asks for the chains of all tables. */
export function queryChains(): Query {
  return {
    call: "NFT_MSG_GETCHAIN",
    flags: NLM_F_DUMP,
    attributes: [],
    family: nf.NFPROTO_UNSPEC,
  };
}

/** Asks for all rules of a chain of somebody else's table. */
export function queryForeignRules({ family, name }: ForeignTable, chain: string): Query {
  return {
    call: "NFT_MSG_GETRULE",
    flags: NLM_F_DUMP,
    attributes: [[nf.NFTA_RULE_TABLE, name], [nf.NFTA_RULE_CHAIN, chain]],
    family,
  };
}

/** The answers to {@linkcode queryChains}, without those of our own table and of other families. */
export function parseChains(messages: readonly Message[]): ForeignChain[] {
  return messages.flatMap((message) => {
    const family = message.body.at(0) ?? nf.NFPROTO_UNSPEC;
    if (!(family in FAMILY_WORDS)) return [];
    const attributes = parseAttributes(attributesOf(message));
    const table = readString(attributes.get(nf.NFTA_CHAIN_TABLE)) ?? "";
    const name = readString(attributes.get(nf.NFTA_CHAIN_NAME)) ?? "";
    if (table === TABLE_NAME && family === nf.NFPROTO_INET) return [];
    const hook = nestedAttributes(attributes, nf.NFTA_CHAIN_HOOK);
    const isForward = readU32be(hook.get(nf.NFTA_HOOK_HOOKNUM)) === nf.NF_INET_FORWARD;
    const dropsForwarded = isForward &&
      readU32be(attributes.get(nf.NFTA_CHAIN_POLICY)) === nf.NF_DROP;
    return [{ table: { family, name: table }, name, isForward, dropsForwarded }];
  });
}
