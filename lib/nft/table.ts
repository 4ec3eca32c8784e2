/**
 * What we want of nf_tables, as values. There is one table of ours, `inet headcni`; other features
 * than masquerade will add sets and chains of their own to it.
 */
import type { Family } from "../net/address.ts";
import type { Interval } from "./interval.ts";
import type { Statement } from "./statement.ts";

/** Our table's name, in family `inet`; no other table is ever written. */
export const TABLE_NAME = "headcni";

/** The part of our table that a feature wants to be there. */
export interface Table {
  readonly sets: readonly IntervalSet[];
  readonly chains: readonly Chain[];
}

/** A named set of addresses, `flags interval`. It grows: what others put into it stays. */
export interface IntervalSet {
  readonly name: string;
  readonly family: Family;
  readonly intervals: readonly Interval[];
}

/** A base chain with policy accept. */
export interface Chain {
  readonly name: string;
  readonly type: ChainType;
  readonly hook: keyof typeof HOOK_NUMBERS;
  /** Lower runs earlier; `enum nf_ip_hook_priorities`, linux/netfilter_ipv4.h. */
  readonly priority: number;
  /** Each has a comment of its own; no rule relies on coming before another. */
  readonly rules: readonly Rule[];
}

/** Kinds of base chains, nft(8). */
export type ChainType = "nat";

/** Hooks by name: `enum nf_inet_hooks`, linux/netfilter.h. */
export const HOOK_NUMBERS = { postrouting: 4 } as const;

export interface Rule {
  /** Tells our rules from others and from each other; at most 127 bytes, as nft(8) allows. */
  readonly comment: string;
  readonly statements: readonly Statement[];
}
