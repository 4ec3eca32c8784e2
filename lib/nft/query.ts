/** Questions to nf_tables about our table, and what the answers mean. */
import { addressFromBytes, type Family, FAMILY_BITS } from "../net/address.ts";
import {
  type Attributes,
  parseAttributeList,
  parseAttributes,
  readString,
  readU32be,
  viewOf,
} from "../wire/attribute.ts";
import { type Message, NLM_F_DUMP, NLM_F_REQUEST, type Request } from "../wire/message.ts";
import { parseComment } from "./change.ts";
import type { Interval } from "./interval.ts";
import * as nf from "./nf_tables.ts";
import { type Expression, parseExpressions } from "./statement.ts";
import { TABLE_NAME } from "./table.ts";

/** A question, and the name of its message for errors. */
export interface Query {
  readonly call: nf.NftMessage;
  readonly request: Request;
}

/** A chain as the kernel has it; what only base chains have is undefined for others. */
export interface KernelChain {
  readonly type: string | undefined;
  readonly hook: number | undefined;
  readonly priority: number | undefined;
  readonly policy: number | undefined;
}

/** A rule as the kernel has it. */
export interface KernelRule {
  readonly handle: bigint;
  readonly comment: string | undefined;
  readonly expressions: readonly Expression[];
}

/** Asks for the generation of the namespace's ruleset: every transaction counts it up. */
export function queryGeneration(): Query {
  return query("NFT_MSG_GETGEN", 0, () => {});
}

/** Asks for one chain of our table; ENOENT when it or the table is absent. */
export function queryChain(chain: string): Query {
  return query("NFT_MSG_GETCHAIN", 0, (writer) =>
    writer
      .attributeString(nf.NFTA_CHAIN_TABLE, TABLE_NAME)
      .attributeString(nf.NFTA_CHAIN_NAME, chain));
}

/** Asks for all rules of one chain of our table; none when it is absent. */
export function queryRules(chain: string): Query {
  return query("NFT_MSG_GETRULE", NLM_F_DUMP, (writer) =>
    writer
      .attributeString(nf.NFTA_RULE_TABLE, TABLE_NAME)
      .attributeString(nf.NFTA_RULE_CHAIN, chain));
}

/** Asks for all elements of one set of our table; ENOENT when it or the table is absent. */
export function queryElements(set: string): Query {
  return query("NFT_MSG_GETSETELEM", NLM_F_DUMP, (writer) =>
    writer
      .attributeString(nf.NFTA_SET_ELEM_LIST_TABLE, TABLE_NAME)
      .attributeString(nf.NFTA_SET_ELEM_LIST_SET, set));
}

/** The answer to {@linkcode queryGeneration}; undefined when there is none. */
export function parseGeneration(messages: readonly Message[]): number | undefined {
  return messages.map((message) => readU32be(attributesOf(message).get(nf.NFTA_GEN_ID))).at(0);
}

/** The answer to {@linkcode queryChain}. */
export function parseChain(message: Message): KernelChain {
  const attributes = attributesOf(message);
  const hook = parseAttributes(attributes.get(nf.NFTA_CHAIN_HOOK) ?? new Uint8Array());
  const priority = readU32be(hook.get(nf.NFTA_HOOK_PRIORITY));
  return {
    type: readString(attributes.get(nf.NFTA_CHAIN_TYPE)),
    hook: readU32be(hook.get(nf.NFTA_HOOK_HOOKNUM)),
    priority: priority === undefined ? undefined : priority | 0, // it is signed
    policy: readU32be(attributes.get(nf.NFTA_CHAIN_POLICY)),
  };
}

/** One answer to {@linkcode queryRules}. */
export function parseRule(message: Message): KernelRule {
  const attributes = attributesOf(message);
  const handle = attributes.get(nf.NFTA_RULE_HANDLE);
  return {
    handle: handle ? viewOf(handle).getBigUint64(0, false) : 0n,
    comment: parseComment(attributes.get(nf.NFTA_RULE_USERDATA)),
    expressions: parseExpressions(attributes.get(nf.NFTA_RULE_EXPRESSIONS) ?? new Uint8Array()),
  };
}

/**
 * The answers to {@linkcode queryElements}: the intervals of the set, in ascending order.
 * @throws RangeError when a key is not an address.
 */
export function parseElements(family: Family, messages: readonly Message[]): Interval[] {
  const boundaries = messages
    .flatMap((message) => {
      const list = attributesOf(message).get(nf.NFTA_SET_ELEM_LIST_ELEMENTS) ?? new Uint8Array();
      return parseAttributeList(list).map((element) => parseBoundary(element.payload));
    })
    .sort(byAddress);
  return boundaries.flatMap(({ value, isEnd }, i) => {
    if (isEnd) return [];
    const end = boundaries[i + 1]?.value ?? 1n << BigInt(FAMILY_BITS[family]);
    return [{ first: value, last: end - 1n }];
  });
}

/** One element of an interval set: where an interval begins, or the first address after one. */
interface Boundary {
  readonly value: bigint;
  readonly isEnd: boolean;
}

function parseBoundary(element: Uint8Array): Boundary {
  const attributes = parseAttributes(element);
  const key = parseAttributes(attributes.get(nf.NFTA_SET_ELEM_KEY) ?? new Uint8Array());
  const { value } = addressFromBytes(key.get(nf.NFTA_DATA_VALUE) ?? new Uint8Array());
  const flags = readU32be(attributes.get(nf.NFTA_SET_ELEM_FLAGS)) ?? 0;
  return { value, isEnd: (flags & nf.NFT_SET_ELEM_INTERVAL_END) !== 0 };
}

/** Of neighbours, the end of the lower one comes before the beginning of the upper one. */
function byAddress(a: Boundary, b: Boundary): number {
  if (a.value !== b.value) return a.value < b.value ? -1 : 1;
  return Number(b.isEnd) - Number(a.isEnd);
}

function attributesOf(message: Message): Attributes {
  return parseAttributes(message.body.subarray(nf.NFGENMSG_BYTES));
}

function query(
  call: nf.NftMessage,
  flags: number,
  fill: Parameters<typeof nf.nftRequest>[2],
): Query {
  return { call, request: nf.nftRequest(call, NLM_F_REQUEST | flags, fill) };
}
