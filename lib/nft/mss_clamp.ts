/**
 * The segment size of TCP by the tailnet. A pod that was made with a larger MTU, or whoever calls it,
 * names a size that does not pass the tailnet's link: where the message that says so is filtered, the
 * connection stands still. tailscaled lowers nothing on a node (only its containers do), so we do.
 */
import type { Family } from "../net/address.ts";
import type { Link } from "../net/link.ts";
import { networkOf, type Prefix } from "../net/prefix.ts";
import { addChain, addRule, addTable, type Change, flushChain, removeChain } from "./change.ts";
import { matchLink } from "./match_link.ts";
import { matchPrefix } from "./match_prefix.ts";
import { type Rule, ruleTree } from "./rule.ts";
import { matchFamily } from "./statement.ts";
import type { Chain } from "./table.ts";
import { lowerSegment, matchSyn } from "./tcp_segment.ts";
import { matchesTree } from "./tree.ts";

/** Whose connections get smaller segments, and where. */
export interface MssClamp {
  /** Networks of the pods of this node. */
  readonly podCidrs: readonly Prefix[];
  /** The link to the tailnet; without one nothing is lowered. */
  readonly device: Pick<Link, "name" | "mtuBytes"> | undefined;
}

/** Name of the chain in our table, in which nobody else has rules. */
export const MSS_CHAIN = "mss";

/** Bytes of the headers of IP, RFC 791 and RFC 8200, and of TCP, RFC 9293, without options. */
const HEADER_BYTES: Readonly<Record<Family, number>> = { 4: 20 + 20, 6: 40 + 20 };

/** `NF_IP_PRI_MANGLE`, linux/netfilter_ipv4.h; nft(8) calls it `mangle`. */
const PRIORITY_MANGLE = -150;

/**
 * The changes by which our table lowers what is wanted and nothing else; none when it does.
 * @param have attributes of the rules of the chain; none where it is missing.
 */
export function planMssClamp(want: MssClamp, have: readonly Uint8Array[]): Change[] {
  const chain = mssChain(want);
  const { rules } = chain;
  const isRight = have.length === rules.length &&
    rules.every((rule, i) => matchesTree(have[i] ?? new Uint8Array(), ruleTree(rule)));
  if (isRight) return [];
  if (rules.length === 0) return [flushChain(chain), removeChain(chain)];
  return [
    addTable(),
    addChain(chain),
    ...have.length > 0 ? [flushChain(chain)] : [],
    ...rules.map((rule) => addRule(chain, rule)),
  ];
}

/** Forwarded packets have the pod's own address: masquerade comes later, and answers lost it before. */
function mssChain({ podCidrs, device }: MssClamp): Chain {
  return {
    name: MSS_CHAIN,
    type: "filter",
    hook: "forward",
    priority: PRIORITY_MANGLE,
    rules: device ? podCidrs.map(networkOf).flatMap((prefix) => clampRules(prefix, device)) : [],
  };
}

/** Each end names a size, and the other sends no larger one. */
function clampRules(
  prefix: Prefix,
  { name, mtuBytes }: Pick<Link, "name" | "mtuBytes">,
): Rule[] {
  const { family } = prefix.address;
  return (["saddr", "daddr"] as const).map((field) => ({
    comment: `headcni: segments of pods, ${field === "saddr" ? "to" : "from"} the tailnet`,
    statements: [
      matchLink(field === "saddr" ? "oifname" : "iifname", name),
      matchFamily(family),
      matchPrefix(field, prefix),
      matchSyn(),
      lowerSegment(mtuBytes - HEADER_BYTES[family]),
    ],
  }));
}
