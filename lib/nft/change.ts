/**
 * Changes to our table. Each is a value: the words of nft(8) that say it, and the request that does
 * it. Adding what is there is no fault, except rules: they double.
 */
import { addressBytes, type Family, FAMILY_BITS } from "../net/address.ts";
import type { WireWriter } from "../wire/attribute.ts";
import { NLM_F_APPEND, NLM_F_CREATE, NLM_F_REQUEST, type Request } from "../wire/message.ts";
import { formatInterval, type Interval } from "./interval.ts";
import * as nf from "./nf_tables.ts";
import { writeExpressions } from "./statement.ts";
import { type Chain, HOOK_NUMBERS, type IntervalSet, type Rule, TABLE_NAME } from "./table.ts";

/** One change, or one bracket of a transaction. */
export interface Change {
  /** The message, such as `NFT_MSG_NEWRULE`, for errors. */
  readonly call: string;
  /** The command of nft(8) that does the same. */
  readonly text: string;
  readonly request: Request;
}

/** Types of set keys as nft(8) names and numbers them; the kernel only keeps the number. */
const KEYS: Readonly<Record<Family, { readonly name: string; readonly type: number }>> = {
  4: { name: "ipv4_addr", type: 7 },
  6: { name: "ipv6_addr", type: 8 },
};
/** Only a reference by number within a transaction would need it; ours are by name. */
const ANY_SET_ID = 1;

/** `NFTNL_UDATA_RULE_COMMENT` of libnftnl/udata.h: u8 type 0, u8 length, text with its NUL. */
const COMMENT_TYPE = 0;

const encoder = new TextEncoder();

export function addTable(): Change {
  return change("NFT_MSG_NEWTABLE", NLM_F_CREATE, `add table inet ${TABLE_NAME}`, (writer) => {
    writer.attributeString(nf.NFTA_TABLE_NAME, TABLE_NAME);
  });
}

/** Removes our table with all that it holds; the kernel refuses with ENOENT when there is none. */
export function removeTable(): Change {
  return change("NFT_MSG_DELTABLE", 0, `delete table inet ${TABLE_NAME}`, (writer) => {
    writer.attributeString(nf.NFTA_TABLE_NAME, TABLE_NAME);
  });
}

/** Adds an empty set; its elements are changes of their own. */
export function addSet({ name, family }: IntervalSet): Change {
  const text = `add set inet ${TABLE_NAME} ${name} { type ${KEYS[family].name}; flags interval; }`;
  return change("NFT_MSG_NEWSET", NLM_F_CREATE, text, (writer) =>
    writer
      .attributeString(nf.NFTA_SET_TABLE, TABLE_NAME)
      .attributeString(nf.NFTA_SET_NAME, name)
      .attributeU32be(nf.NFTA_SET_FLAGS, nf.NFT_SET_INTERVAL)
      .attributeU32be(nf.NFTA_SET_KEY_TYPE, KEYS[family].type)
      .attributeU32be(nf.NFTA_SET_KEY_LEN, FAMILY_BITS[family] / 8)
      .attributeU32be(nf.NFTA_SET_ID, ANY_SET_ID));
}

/** Adds intervals; the kernel refuses those that overlap others of the set. */
export function addElements(set: IntervalSet, intervals: readonly Interval[]): Change {
  return changeElements("NFT_MSG_NEWSETELEM", NLM_F_CREATE, "add", set, intervals);
}

/** Removes intervals that are in the set exactly so. */
export function removeElements(set: IntervalSet, intervals: readonly Interval[]): Change {
  return changeElements("NFT_MSG_DELSETELEM", 0, "delete", set, intervals);
}

/** Adds an empty chain; of one that is there it sets the policy. */
export function addChain({ name, type, hook, priority }: Chain): Change {
  const base = `{ type ${type} hook ${hook} priority ${priority}; policy accept; }`;
  const text = `add chain inet ${TABLE_NAME} ${name} ${base}`;
  return change("NFT_MSG_NEWCHAIN", NLM_F_CREATE, text, (writer) =>
    writer
      .attributeString(nf.NFTA_CHAIN_TABLE, TABLE_NAME)
      .attributeString(nf.NFTA_CHAIN_NAME, name)
      .nested(nf.NFTA_CHAIN_HOOK, (nested) =>
        nested
          .attributeU32be(nf.NFTA_HOOK_HOOKNUM, HOOK_NUMBERS[hook])
          .attributeU32be(nf.NFTA_HOOK_PRIORITY, priority))
      .attributeU32be(nf.NFTA_CHAIN_POLICY, nf.NF_ACCEPT)
      .attributeString(nf.NFTA_CHAIN_TYPE, type));
}

/** Appends a rule to a chain. */
export function addRule(chain: Chain, { comment, statements }: Rule): Change {
  const program = statements.map((statement) => statement.text).join(" ");
  const text = `add rule inet ${TABLE_NAME} ${chain.name} ${program} comment "${comment}"`;
  return change("NFT_MSG_NEWRULE", NLM_F_CREATE | NLM_F_APPEND, text, (writer) =>
    writer
      .attributeString(nf.NFTA_RULE_TABLE, TABLE_NAME)
      .attributeString(nf.NFTA_RULE_CHAIN, chain.name)
      .nested(nf.NFTA_RULE_EXPRESSIONS, (nested) => writeExpressions(nested, statements))
      .attribute(nf.NFTA_RULE_USERDATA, encodeComment(comment)));
}

/** Removes the rule that the kernel gave this handle. */
export function removeRule(chain: Chain, handle: bigint): Change {
  const text = `delete rule inet ${TABLE_NAME} ${chain.name} handle ${handle}`;
  return change("NFT_MSG_DELRULE", 0, text, (writer) =>
    writer
      .attributeString(nf.NFTA_RULE_TABLE, TABLE_NAME)
      .attributeString(nf.NFTA_RULE_CHAIN, chain.name)
      .attributeU64be(nf.NFTA_RULE_HANDLE, handle));
}

/**
 * Puts changes into the brackets of a transaction: sent as one datagram, they are carried out as a
 * whole or not at all.
 * @param generation the kernel refuses with ERESTART if its ruleset is of another generation.
 */
export function transaction(changes: readonly Change[], generation?: number): Change[] {
  const begin = bracket("NFNL_MSG_BATCH_BEGIN", nf.NFNL_MSG_BATCH_BEGIN, (writer) => {
    if (generation !== undefined) writer.attributeU32be(nf.NFNL_BATCH_GENID, generation);
  });
  return [begin, ...changes, bracket("NFNL_MSG_BATCH_END", nf.NFNL_MSG_BATCH_END, () => {})];
}

/** The comment of a rule's userdata, or undefined when it has none. */
export function parseComment(userdata: Uint8Array | undefined): string | undefined {
  const [type, length] = userdata ?? [];
  if (!userdata || type !== COMMENT_TYPE || !length) return undefined;
  return new TextDecoder().decode(userdata.subarray(2, 2 + length - 1));
}

function encodeComment(comment: string): Uint8Array {
  const text = encoder.encode(comment + "\0");
  return Uint8Array.of(COMMENT_TYPE, text.length, ...text);
}

function changeElements(
  call: nf.NftMessage,
  flags: number,
  verb: "add" | "delete",
  { name, family }: IntervalSet,
  intervals: readonly Interval[],
): Change {
  const elements = intervals.map((interval) => formatInterval(family, interval)).join(", ");
  const text = `${verb} element inet ${TABLE_NAME} ${name} { ${elements} }`;
  return change(call, flags, text, (writer) =>
    writer
      .attributeString(nf.NFTA_SET_ELEM_LIST_TABLE, TABLE_NAME)
      .attributeString(nf.NFTA_SET_ELEM_LIST_SET, name)
      .nested(nf.NFTA_SET_ELEM_LIST_ELEMENTS, (nested) => {
        for (const interval of intervals) writeInterval(nested, family, interval);
      }));
}

/** An interval is two elements: its first address and, flagged, the first one after it. */
function writeInterval(writer: WireWriter, family: Family, { first, last }: Interval): void {
  writeElement(writer, addressBytes({ family, value: first }), 0);
  const end = last + 1n;
  if (end >> BigInt(FAMILY_BITS[family]) === 0n) {
    writeElement(writer, addressBytes({ family, value: end }), nf.NFT_SET_ELEM_INTERVAL_END);
  }
}

function writeElement(writer: WireWriter, key: Uint8Array, flags: number): void {
  writer.nested(nf.NFTA_LIST_ELEM, (element) =>
    element
      .nested(nf.NFTA_SET_ELEM_KEY, (data) => data.attribute(nf.NFTA_DATA_VALUE, key))
      .attributeU32be(nf.NFTA_SET_ELEM_FLAGS, flags));
}

function change(
  call: nf.NftMessage,
  flags: number,
  text: string,
  fill: (writer: WireWriter) => void,
): Change {
  return { call, text, request: nf.nftRequest(call, NLM_F_REQUEST | flags, fill) };
}

function bracket(call: string, type: number, fill: (writer: WireWriter) => void): Change {
  const { NFPROTO_UNSPEC, NFNL_SUBSYS_NFTABLES } = nf;
  const request = nf.nfnetlinkRequest(
    type,
    NLM_F_REQUEST,
    NFPROTO_UNSPEC,
    NFNL_SUBSYS_NFTABLES,
    fill,
  );
  return { call, text: call, request };
}
