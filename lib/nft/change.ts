/** Changes to our table, and the transaction that carries them out. */
import { addressBytes, type Family, FAMILY_BITS } from "../net/address.ts";
import { NLM_F_APPEND, NLM_F_CREATE, type Request } from "../wire/message.ts";
import { ADDRESS_TYPES, typeNumber } from "./data_type.ts";
import { formatInterval, type Interval } from "./interval.ts";
import * as nf from "./nf_tables.ts";
import { bracketRequest, nftRequest } from "./request.ts";
import { type Rule, ruleTree } from "./rule.ts";
import { type Chain, HOOK_NUMBERS, type IntervalSet, TABLE_NAME } from "./table.ts";
import type { Tree } from "./tree.ts";

/** One change. Adding what is there is no fault, except a rule: it doubles. */
export interface Change {
  readonly call: nf.NftMessage;
  readonly flags: number;
  readonly attributes: Tree;
  /** Of the table that is changed: `NFPROTO_*`; `inet` by default. */
  readonly family?: number;
  /** The command of nft(8) that does the same. */
  readonly text: string;
}

/** The kernel demands a number for each set; we refer to them by name only. */
const ANY_SET_ID = 1;

/** Adds our table, empty; wakes up the one that is there. */
export function addTable(): Change {
  return {
    call: "NFT_MSG_NEWTABLE",
    flags: NLM_F_CREATE,
    attributes: [[nf.NFTA_TABLE_NAME, TABLE_NAME], [nf.NFTA_TABLE_FLAGS, 0]],
    text: `add table inet ${TABLE_NAME}`,
  };
}

/** Removes our table with all that it holds; the kernel refuses with ENOENT when there is none. */
export function removeTable(): Change {
  return {
    call: "NFT_MSG_DELTABLE",
    flags: 0,
    attributes: [[nf.NFTA_TABLE_NAME, TABLE_NAME]],
    text: `delete table inet ${TABLE_NAME}`,
  };
}

/** Adds a set, empty. */
export function addSet({ name, family }: IntervalSet): Change {
  const type = ADDRESS_TYPES[family];
  return {
    call: "NFT_MSG_NEWSET",
    flags: NLM_F_CREATE,
    attributes: [
      [nf.NFTA_SET_TABLE, TABLE_NAME],
      [nf.NFTA_SET_NAME, name],
      [nf.NFTA_SET_FLAGS, nf.NFT_SET_INTERVAL],
      [nf.NFTA_SET_KEY_TYPE, typeNumber([type])],
      [nf.NFTA_SET_KEY_LEN, FAMILY_BITS[family] / 8],
      [nf.NFTA_SET_ID, ANY_SET_ID],
    ],
    text: `add set inet ${TABLE_NAME} ${name} { type ${type}; flags interval; }`,
  };
}

/** Adds intervals; the kernel refuses one that overlaps another of the set. */
export function addElements(set: IntervalSet, intervals: readonly Interval[]): Change {
  return {
    call: "NFT_MSG_NEWSETELEM",
    flags: NLM_F_CREATE,
    attributes: elementsTree(set, intervals),
    text: `add element ${formatElements(set, intervals)}`,
  };
}

/** Removes intervals, which must be in the set exactly so. */
export function removeElements(set: IntervalSet, intervals: readonly Interval[]): Change {
  return {
    call: "NFT_MSG_DELSETELEM",
    flags: 0,
    attributes: elementsTree(set, intervals),
    text: `delete element ${formatElements(set, intervals)}`,
  };
}

/** Adds a chain, empty; gives the one that is there its policy. */
export function addChain({ name, type, hook, priority }: Chain): Change {
  const base = `type ${type} hook ${hook} priority ${priority}; policy accept;`;
  return {
    call: "NFT_MSG_NEWCHAIN",
    flags: NLM_F_CREATE,
    attributes: [
      [nf.NFTA_CHAIN_TABLE, TABLE_NAME],
      [nf.NFTA_CHAIN_NAME, name],
      [nf.NFTA_CHAIN_TYPE, type],
      [nf.NFTA_CHAIN_POLICY, nf.NF_ACCEPT],
      [nf.NFTA_CHAIN_HOOK, [
        [nf.NFTA_HOOK_HOOKNUM, HOOK_NUMBERS[hook]],
        [nf.NFTA_HOOK_PRIORITY, priority],
      ]],
    ],
    text: `add chain inet ${TABLE_NAME} ${name} { ${base} }`,
  };
}

/** Removes all rules of a chain: a removal that names no rule. */
export function flushChain({ name }: Chain): Change {
  return {
    call: "NFT_MSG_DELRULE",
    flags: 0,
    attributes: [[nf.NFTA_RULE_TABLE, TABLE_NAME], [nf.NFTA_RULE_CHAIN, name]],
    text: `flush chain inet ${TABLE_NAME} ${name}`,
  };
}

/** Removes a chain that has no rules. */
export function removeChain({ name }: Chain): Change {
  return {
    call: "NFT_MSG_DELCHAIN",
    flags: 0,
    attributes: [[nf.NFTA_CHAIN_TABLE, TABLE_NAME], [nf.NFTA_CHAIN_NAME, name]],
    text: `delete chain inet ${TABLE_NAME} ${name}`,
  };
}

/** Appends a rule to a chain. */
export function addRule(chain: Chain, rule: Rule): Change {
  const program = rule.statements.map((statement) => statement.text).join(" ");
  return {
    call: "NFT_MSG_NEWRULE",
    flags: NLM_F_CREATE | NLM_F_APPEND,
    attributes: [
      [nf.NFTA_RULE_TABLE, TABLE_NAME],
      [nf.NFTA_RULE_CHAIN, chain.name],
      ...ruleTree(rule),
    ],
    text: `add rule inet ${TABLE_NAME} ${chain.name} ${program} comment "${rule.comment}"`,
  };
}

/** Removes the rule that has this handle. */
export function removeRule(chain: Chain, handle: bigint): Change {
  return {
    call: "NFT_MSG_DELRULE",
    flags: 0,
    attributes: [
      [nf.NFTA_RULE_TABLE, TABLE_NAME],
      [nf.NFTA_RULE_CHAIN, chain.name],
      [nf.NFTA_RULE_HANDLE, handle],
    ],
    text: `delete rule inet ${TABLE_NAME} ${chain.name} handle ${handle}`,
  };
}

/**
 * Changes in the brackets of a transaction, one request each with the brackets first and last. Sent
 * as one datagram, they are carried out as a whole or not at all.
 * @param generation the kernel refuses with ERESTART when its ruleset is of another generation.
 */
export function encodeTransaction(changes: readonly Change[], generation?: number): Request[] {
  return [
    bracketRequest(
      nf.NFNL_MSG_BATCH_BEGIN,
      generation === undefined ? [] : [[nf.NFNL_BATCH_GENID, generation]],
    ),
    ...changes.map(({ call, flags, attributes, family }) =>
      nftRequest(call, flags, attributes, family)
    ),
    bracketRequest(nf.NFNL_MSG_BATCH_END, []),
  ];
}

function elementsTree({ name, family }: IntervalSet, intervals: readonly Interval[]): Tree {
  return [
    [nf.NFTA_SET_ELEM_LIST_TABLE, TABLE_NAME],
    [nf.NFTA_SET_ELEM_LIST_SET, name],
    [nf.NFTA_SET_ELEM_LIST_ELEMENTS, intervals.flatMap((each) => intervalTree(family, each))],
  ];
}

/**
 * An interval is two elements: its first address and, flagged, the first one after it. One that
 * reaches the last address of all has no second.
 */
function intervalTree(family: Family, { first, last }: Interval): Tree {
  const begin: Tree = [[nf.NFTA_LIST_ELEM, keyTree(family, first)]];
  const end = last + 1n;
  if (end === 1n << BigInt(FAMILY_BITS[family])) return begin;
  const flags: Tree = [[nf.NFTA_SET_ELEM_FLAGS, nf.NFT_SET_ELEM_INTERVAL_END]];
  return [...begin, [nf.NFTA_LIST_ELEM, [...flags, ...keyTree(family, end)]]];
}

function keyTree(family: Family, value: bigint): Tree {
  const data: Tree = [[nf.NFTA_DATA_VALUE, addressBytes({ family, value })]];
  return [[nf.NFTA_SET_ELEM_KEY, data]];
}

function formatElements({ name, family }: IntervalSet, intervals: readonly Interval[]): string {
  const elements = intervals.map((interval) => formatInterval(family, interval)).join(", ");
  return `inet ${TABLE_NAME} ${name} { ${elements} }`;
}
