/** What we want of nf_tables. There is one table of ours, of which each feature has a part. */
import type { Family } from "../net/address.ts";
import type { Interval } from "./interval.ts";
import type { PacketMap } from "./map.ts";
import { NF_INET_FORWARD } from "./nf_tables.ts";
import type { Rule } from "./rule.ts";

/** Our table's name, in family `inet`; no other table is ever written. */
export const TABLE_NAME = "headcni";

/** The part of our table that one feature wants. */
export interface Table {
  readonly sets: readonly IntervalSet[];
  /** Those that the rules refer to. */
  readonly maps: readonly PacketMap[];
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
  readonly type: "nat" | "filter";
  readonly hook: keyof typeof HOOK_NUMBERS;
  /** Lower runs earlier: `enum nf_ip_hook_priorities`, linux/netfilter_ipv4.h. */
  readonly priority: number;
  /** No rule may rely on coming before another. */
  readonly rules: readonly Rule[];
}

/** Hooks by name: `enum nf_inet_hooks`, linux/netfilter.h. */
export const HOOK_NUMBERS = {
  prerouting: 0,
  forward: NF_INET_FORWARD,
  output: 3,
  postrouting: 4,
} as const;
