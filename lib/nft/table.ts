/**
 * What we want of nf_tables, as values, and as the attributes by which the kernel knows them. There
 * is one table of ours; other features than masquerade will add sets and chains of their own to it.
 */
import { type Family, FAMILY_BITS } from "../net/address.ts";
import type { Interval } from "./interval.ts";
import * as nf from "./nf_tables.ts";
import { programTree, type Statement } from "./statement.ts";
import type { Tree } from "./tree.ts";

/** Our table's name, in family `inet`; no other table is ever written. */
export const TABLE_NAME = "headcni";

/** The part of our table that one feature wants. */
export interface Table {
  readonly sets: readonly IntervalSet[];
  readonly chains: readonly Chain[];
}

/** A named set of addresses, `flags interval`. What others put into it stays. */
export interface IntervalSet {
  readonly name: string;
  readonly family: Family;
  readonly intervals: readonly Interval[];
}

/** A base chain with policy accept. */
export interface Chain {
  readonly name: string;
  /** Kind of base chain, nft(8). */
  readonly type: "nat";
  readonly hook: keyof typeof HOOK_NUMBERS;
  /** Lower runs earlier: `enum nf_ip_hook_priorities`, linux/netfilter_ipv4.h. */
  readonly priority: number;
  /** No rule may rely on coming before another. */
  readonly rules: readonly Rule[];
}

export interface Rule {
  /** Tells our rules from others and from each other; at most 127 bytes, as nft(8) allows. */
  readonly comment: string;
  readonly statements: readonly Statement[];
}

/** Hooks by name: `enum nf_inet_hooks`, linux/netfilter.h. */
const HOOK_NUMBERS = { postrouting: 4 } as const;

/** Types of set keys, which nft(8) names and numbers; to the kernel they mean nothing. */
export const KEY_TYPES: Readonly<Record<Family, { readonly name: string; readonly type: number }>> =
  {
    4: { name: "ipv4_addr", type: 7 },
    6: { name: "ipv6_addr", type: 8 },
  };
/** The kernel demands a number; we refer to sets by name only. */
const ANY_SET_ID = 1;

/** A comment in a rule's userdata: u8 type, u8 length, text with its NUL; libnftnl/udata.h. */
const NFTNL_UDATA_RULE_COMMENT = 0;

/** The table's attributes. */
export function tableTree(): Tree {
  return [[nf.NFTA_TABLE_NAME, TABLE_NAME]];
}

/** A set's attributes, without its elements. */
export function setTree({ name, family }: IntervalSet): Tree {
  return [
    [nf.NFTA_SET_TABLE, TABLE_NAME],
    [nf.NFTA_SET_NAME, name],
    [nf.NFTA_SET_FLAGS, nf.NFT_SET_INTERVAL],
    [nf.NFTA_SET_KEY_TYPE, KEY_TYPES[family].type],
    [nf.NFTA_SET_KEY_LEN, FAMILY_BITS[family] / 8],
    [nf.NFTA_SET_ID, ANY_SET_ID],
  ];
}

/** A chain's attributes, without its rules. */
export function chainTree({ name, type, hook, priority }: Chain): Tree {
  return [
    [nf.NFTA_CHAIN_TABLE, TABLE_NAME],
    [nf.NFTA_CHAIN_NAME, name],
    [nf.NFTA_CHAIN_HOOK, [
      [nf.NFTA_HOOK_HOOKNUM, HOOK_NUMBERS[hook]],
      [nf.NFTA_HOOK_PRIORITY, priority],
    ]],
    [nf.NFTA_CHAIN_POLICY, nf.NF_ACCEPT],
    [nf.NFTA_CHAIN_TYPE, type],
  ];
}

/** A rule's attributes. */
export function ruleTree(chain: Chain, { comment, statements }: Rule): Tree {
  return [
    [nf.NFTA_RULE_TABLE, TABLE_NAME],
    [nf.NFTA_RULE_CHAIN, chain.name],
    [nf.NFTA_RULE_EXPRESSIONS, programTree(statements)],
    [nf.NFTA_RULE_USERDATA, commentBytes(comment)],
  ];
}

/** The userdata of a rule with that comment. */
export function commentBytes(comment: string): Uint8Array {
  const text = new TextEncoder().encode(comment + "\0");
  return Uint8Array.of(NFTNL_UDATA_RULE_COMMENT, text.length, ...text);
}
