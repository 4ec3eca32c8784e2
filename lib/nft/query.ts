/** Questions to nf_tables about our table, and how their answers are read. */
import { addressFromBytes, type Family, FAMILY_BITS } from "../net/address.ts";
import {
  nestedAttributes,
  parseAttributeList,
  parseAttributes,
  readU32be,
} from "../wire/attribute.ts";
import { type Message, NLM_F_ACK, NLM_F_DUMP } from "../wire/message.ts";
import type { Interval } from "./interval.ts";
import * as nf from "./nf_tables.ts";
import { NFGENMSG_BYTES } from "./request.ts";
import { TABLE_NAME } from "./table.ts";
import type { Tree } from "./tree.ts";

/** A question: one message, or with `NLM_F_DUMP` many, are the answer. */
export interface Query {
  readonly call: nf.NftMessage;
  /** Those beyond `NLM_F_REQUEST`. */
  readonly flags: number;
  readonly attributes: Tree;
  /** Of what is asked about: `NFPROTO_*`; `inet` by default. */
  readonly family?: number;
}

/** Asks for the generation of the namespace's ruleset, which every transaction counts up. */
export function queryGeneration(): Query {
  return { call: "NFT_MSG_GETGEN", flags: NLM_F_ACK, attributes: [] };
}

/** Asks for all rules of a chain of our table; none, or ENOENT, when there is no chain. */
export function queryRules(chain: string): Query {
  return {
    call: "NFT_MSG_GETRULE",
    flags: NLM_F_DUMP,
    attributes: [[nf.NFTA_RULE_TABLE, TABLE_NAME], [nf.NFTA_RULE_CHAIN, chain]],
  };
}

/** Asks for all rules of our table. */
export function queryAllRules(): Query {
  return {
    call: "NFT_MSG_GETRULE",
    flags: NLM_F_DUMP,
    attributes: [[nf.NFTA_RULE_TABLE, TABLE_NAME]],
  };
}

/** Asks for all elements of a set of our table; ENOENT when there is none. */
export function queryElements(set: string): Query {
  return {
    call: "NFT_MSG_GETSETELEM",
    flags: NLM_F_DUMP,
    attributes: [[nf.NFTA_SET_ELEM_LIST_TABLE, TABLE_NAME], [nf.NFTA_SET_ELEM_LIST_SET, set]],
  };
}

/** The attributes of an answer, as bytes. */
export function attributesOf(message: Message): Uint8Array {
  return message.body.subarray(NFGENMSG_BYTES);
}

/**
 * The answer to {@linkcode queryGeneration}: a u32, never 0.
 * @throws RangeError when there is none in it.
 */
export function parseGeneration(messages: readonly Message[]): number {
  const [message] = messages;
  const generation = message && parseAttributes(attributesOf(message)).get(nf.NFTA_GEN_ID);
  const value = readU32be(generation);
  if (value === undefined) throw new RangeError("Cannot read the ruleset's generation: none sent");
  return value;
}

/**
 * The answers to {@linkcode queryElements}: the intervals of the set in ascending order.
 * @throws RangeError when a key is not an address.
 */
export function parseElements(family: Family, messages: readonly Message[]): Interval[] {
  const boundaries = messages.flatMap(parseBoundaries).sort(byAddress);
  return boundaries.flatMap(({ value, isEnd }, i) => {
    if (isEnd) return [];
    const end = boundaries[i + 1]?.value ?? 1n << BigInt(FAMILY_BITS[family]);
    return [{ first: value, last: end - 1n }];
  });
}

/** An element of an interval set: the first address of an interval, or the first one after it. */
interface Boundary {
  readonly value: bigint;
  readonly isEnd: boolean;
}

function parseBoundaries(message: Message): Boundary[] {
  const list = parseAttributes(attributesOf(message)).get(nf.NFTA_SET_ELEM_LIST_ELEMENTS);
  return parseAttributeList(list ?? new Uint8Array()).map(({ payload }) => {
    const element = parseAttributes(payload);
    const key = nestedAttributes(element, nf.NFTA_SET_ELEM_KEY);
    const flags = readU32be(element.get(nf.NFTA_SET_ELEM_FLAGS)) ?? 0;
    return {
      value: addressFromBytes(key.get(nf.NFTA_DATA_VALUE) ?? new Uint8Array()).value,
      isEnd: (flags & nf.NFT_SET_ELEM_INTERVAL_END) !== 0,
    };
  });
}

/** Between neighbours, the end of the lower one comes before the beginning of the upper one. */
function byAddress(a: Boundary, b: Boundary): number {
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  return Number(b.isEnd) - Number(a.isEnd);
}
