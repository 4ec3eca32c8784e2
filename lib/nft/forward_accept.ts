/**
 * Packets of pods in other people's firewalls. A base chain that drops what is forwarded cannot be
 * overruled by a chain of ours: an accept ends only the chain that it is in. So such a chain gets one
 * rule that jumps to a chain of ours beside it, which accepts what comes from pods and goes to them.
 * Rules are made of what iptables-nft knows to read: where it meets another, it lists nothing at all.
 */
import { FAMILIES } from "../net/address.ts";
import { networkOf, type Prefix } from "../net/prefix.ts";
import {
  nestedAttributes,
  parseAttributeList,
  parseAttributes,
  readString,
  viewOf,
} from "../wire/attribute.ts";
import { NLM_F_APPEND, NLM_F_CREATE } from "../wire/message.ts";
import type { Change } from "./change.ts";
import { FAMILY_WORDS, type ForeignTable } from "./foreign_chain.ts";
import { matchPrefix } from "./match_prefix.ts";
import * as nf from "./nf_tables.ts";
import { type Rule, ruleTree } from "./rule.ts";
import { IP_VERSIONS, matchFamily, type Statement } from "./statement.ts";
import { matchesTree } from "./tree.ts";

/** Name of our chain in tables of others; in the style of iptables, whose users meet it first. */
export const FORWARD_CHAIN = "HEADCNI-FORWARD";

/** Comment of the rule that leads there. */
export const FORWARD_COMMENT = "headcni: forward pods";

/** What a table of somebody else has of ours, and of what drops. */
export interface ForwardState {
  readonly table: ForeignTable;
  /** The rules of our chain, by their attributes; undefined when there is no such chain. */
  readonly accepts: readonly Uint8Array[] | undefined;
  /** All base chains of forwarded packets, or those that have a rule of ours. */
  readonly chains: readonly {
    readonly name: string;
    readonly drops: boolean;
    readonly rules: readonly Uint8Array[];
  }[];
}

/**
 * The changes by which the table lets the pods' packets pass, and those that take away what is not
 * needed any more; none when all is as it should be.
 * @param podCidrs networks of the pods of this node; none take all away.
 */
export function planForwardAccept(podCidrs: readonly Prefix[], have: ForwardState): Change[] {
  const { table } = have;
  const wanted = acceptRules(podCidrs, table);
  const isNeeded = wanted.length > 0 && have.chains.some(({ drops }) => drops);
  const jumps = have.chains.map(({ name, drops, rules }) => ({
    name,
    ours: rules.filter(isJump),
    isWanted: isNeeded && drops,
  }));
  const surplus = jumps.flatMap(({ name, ours, isWanted }) => {
    const [keep] = isWanted ? ours : [];
    return ours.filter((rule) => rule !== keep).map((rule) => removeRule(table, name, rule));
  });
  const missing = jumps.filter(({ ours, isWanted }) => isWanted && ours.length === 0)
    .map(({ name }) => insertJump(table, name));
  if (!isNeeded) return [...surplus, ...have.accepts ? dropChain(table) : []];
  return [...planAccepts(table, wanted, have.accepts), ...missing, ...surplus];
}

const JUMP: Rule = { comment: FORWARD_COMMENT, statements: [jump(FORWARD_CHAIN)] };

/** Whoever wrote it: tools that save rules and restore them write them in their own way. */
function isJump(rule: Uint8Array): boolean {
  const program = parseAttributes(rule).get(nf.NFTA_RULE_EXPRESSIONS) ?? new Uint8Array();
  return parseAttributeList(program).some(({ payload }) => {
    const expression = parseAttributes(payload);
    if (readString(expression.get(nf.NFTA_EXPR_NAME)) !== "immediate") return false;
    const data = nestedAttributes(expression, nf.NFTA_EXPR_DATA);
    const value = nestedAttributes(data, nf.NFTA_IMMEDIATE_DATA);
    const verdict = nestedAttributes(value, nf.NFTA_DATA_VERDICT);
    return readString(verdict.get(nf.NFTA_VERDICT_CHAIN)) === FORWARD_CHAIN;
  });
}

/** Our chain is written anew when anything in it is not as it should be: nobody else is in it. */
function planAccepts(
  table: ForeignTable,
  wanted: readonly Rule[],
  have: readonly Uint8Array[] | undefined,
): Change[] {
  const isRight = have?.length === wanted.length &&
    wanted.every((rule, i) => matchesTree(have[i] ?? new Uint8Array(), ruleTree(rule)));
  if (isRight) return [];
  return [
    have ? flushChain(table) : addChain(table),
    ...wanted.map((rule) => addRule(table, FORWARD_CHAIN, rule, NLM_F_APPEND)),
  ];
}

function acceptRules(podCidrs: readonly Prefix[], { family: protocol }: ForeignTable): Rule[] {
  const families = FAMILIES.filter((family) =>
    protocol === nf.NFPROTO_INET || protocol === IP_VERSIONS[family].protocol
  );
  const prefixes = podCidrs.map(networkOf)
    .filter(({ address }) => families.includes(address.family));
  return prefixes.flatMap((prefix) =>
    (["saddr", "daddr"] as const).map((field): Rule => ({
      comment: field === "saddr" ? "headcni: from pods" : "headcni: to pods",
      statements: [
        ...protocol === nf.NFPROTO_INET ? [matchFamily(prefix.address.family)] : [],
        matchPrefix(field, prefix),
        verdict("accept", [[nf.NFTA_VERDICT_CODE, nf.NF_ACCEPT]]),
      ],
    }))
  );
}

function jump(chain: string): Statement {
  return verdict(`jump ${chain}`, [
    [nf.NFTA_VERDICT_CODE, nf.NFT_JUMP],
    [nf.NFTA_VERDICT_CHAIN, chain],
  ]);
}

function verdict(text: string, tree: readonly (readonly [number, number | string])[]): Statement {
  return {
    text,
    expressions: [{
      name: "immediate",
      data: [
        [nf.NFTA_IMMEDIATE_DREG, nf.NFT_REG_VERDICT],
        [nf.NFTA_IMMEDIATE_DATA, [[nf.NFTA_DATA_VERDICT, tree]]],
      ],
    }],
  };
}

function addChain({ family, name }: ForeignTable): Change {
  return {
    call: "NFT_MSG_NEWCHAIN",
    flags: NLM_F_CREATE,
    attributes: [[nf.NFTA_CHAIN_TABLE, name], [nf.NFTA_CHAIN_NAME, FORWARD_CHAIN]],
    family,
    text: `add chain ${tableWords({ family, name })} ${FORWARD_CHAIN}`,
  };
}

/** A removal that names no rule removes all of the chain. */
function flushChain({ family, name }: ForeignTable): Change {
  return {
    call: "NFT_MSG_DELRULE",
    flags: 0,
    attributes: [[nf.NFTA_RULE_TABLE, name], [nf.NFTA_RULE_CHAIN, FORWARD_CHAIN]],
    family,
    text: `flush chain ${tableWords({ family, name })} ${FORWARD_CHAIN}`,
  };
}

function dropChain(table: ForeignTable): Change[] {
  const { family, name } = table;
  return [flushChain(table), {
    call: "NFT_MSG_DELCHAIN",
    flags: 0,
    attributes: [[nf.NFTA_CHAIN_TABLE, name], [nf.NFTA_CHAIN_NAME, FORWARD_CHAIN]],
    family,
    text: `delete chain ${tableWords(table)} ${FORWARD_CHAIN}`,
  }];
}

/** Before all others of the chain: behind a drop it would be of no use. */
function insertJump(table: ForeignTable, chain: string): Change {
  return addRule(table, chain, JUMP, 0);
}

function addRule(table: ForeignTable, chain: string, rule: Rule, position: number): Change {
  const program = rule.statements.map((statement) => statement.text).join(" ");
  const verb = position === NLM_F_APPEND ? "add" : "insert";
  return {
    call: "NFT_MSG_NEWRULE",
    flags: NLM_F_CREATE | position,
    attributes: [
      [nf.NFTA_RULE_TABLE, table.name],
      [nf.NFTA_RULE_CHAIN, chain],
      ...ruleTree(rule),
    ],
    family: table.family,
    text: `${verb} rule ${tableWords(table)} ${chain} ${program} comment "${rule.comment}"`,
  };
}

function removeRule(table: ForeignTable, chain: string, rule: Uint8Array): Change {
  const bytes = parseAttributes(rule).get(nf.NFTA_RULE_HANDLE);
  const handle = bytes ? viewOf(bytes).getBigUint64(0) : 0n;
  return {
    call: "NFT_MSG_DELRULE",
    flags: 0,
    attributes: [
      [nf.NFTA_RULE_TABLE, table.name],
      [nf.NFTA_RULE_CHAIN, chain],
      [nf.NFTA_RULE_HANDLE, handle],
    ],
    family: table.family,
    text: `delete rule ${tableWords(table)} ${chain} handle ${handle}`,
  };
}

function tableWords({ family, name }: ForeignTable): string {
  return `${FAMILY_WORDS[family]} ${name}`;
}
