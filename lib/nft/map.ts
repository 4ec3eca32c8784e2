/** Maps of our table, whose elements come and go one by one: they grow without being read. */
import { nestedAttributes, parseAttributeList, parseAttributes } from "../wire/attribute.ts";
import { type Message, NLM_F_ACK, NLM_F_CREATE, NLM_F_EXCL } from "../wire/message.ts";
import type { Change } from "./change.ts";
import { commentBytes, readComment } from "./comment.ts";
import { type DataType, typeBytes, typeNumber, typeText } from "./data_type.ts";
import * as nf from "./nf_tables.ts";
import { attributesOf, type Query } from "./query.ts";
import { TABLE_NAME } from "./table.ts";
import type { Tree } from "./tree.ts";

/** A named map. What is in it is not part of what the table must hold. */
export interface PacketMap {
  readonly name: string;
  readonly key: readonly DataType[];
  readonly value: readonly DataType[];
}

/** One element. */
export interface MapElement {
  /** Both as `joinParts` makes them. */
  readonly key: Uint8Array;
  readonly value: Uint8Array;
  /** At most 127 bytes; empty when the element has none. */
  readonly comment: string;
}

/** An element that is to be written. */
export interface NewElement extends MapElement {
  /** Key and value as nft(8) writes them. */
  readonly text: { readonly key: string; readonly value: string };
}

/** The kernel demands a number for each set; we refer to them by name only. */
const ANY_SET_ID = 1;

/** Adds a map, empty; one that is there stays as it is. */
export function addMap({ name, key, value }: PacketMap): Change {
  return {
    call: "NFT_MSG_NEWSET",
    flags: NLM_F_CREATE,
    attributes: [
      [nf.NFTA_SET_TABLE, TABLE_NAME],
      [nf.NFTA_SET_NAME, name],
      [nf.NFTA_SET_FLAGS, nf.NFT_SET_MAP],
      [nf.NFTA_SET_KEY_TYPE, typeNumber(key)],
      [nf.NFTA_SET_KEY_LEN, typeBytes(key)],
      [nf.NFTA_SET_DATA_TYPE, typeNumber(value)],
      [nf.NFTA_SET_DATA_LEN, typeBytes(value)],
      [nf.NFTA_SET_ID, ANY_SET_ID],
    ],
    text: `add map inet ${TABLE_NAME} ${name} { type ${typeText(key)} : ${typeText(value)}; }`,
  };
}

/**
 * Adds one element. The kernel refuses it with EEXIST when the key has the same value already, and
 * with EBUSY when it has another one.
 */
export function createElement({ name }: PacketMap, element: NewElement): Change {
  const { key, value, comment, text } = element;
  return {
    call: "NFT_MSG_NEWSETELEM",
    flags: NLM_F_CREATE | NLM_F_EXCL,
    attributes: elementTree(name, [
      ...keyTree(key),
      [nf.NFTA_SET_ELEM_DATA, [[nf.NFTA_DATA_VALUE, value]]],
      [nf.NFTA_SET_ELEM_USERDATA, commentBytes(comment)],
    ]),
    text: `create element inet ${TABLE_NAME} ${name} ` +
      `{ ${text.key} comment "${comment}" : ${text.value} }`,
  };
}

/** Removes one element, whatever its value is; the kernel refuses with ENOENT when there is none. */
export function deleteElement({ name }: PacketMap, { key, text }: NewElement): Change {
  return {
    call: "NFT_MSG_DELSETELEM",
    flags: 0,
    attributes: elementTree(name, keyTree(key)),
    text: `delete element inet ${TABLE_NAME} ${name} { ${text.key} }`,
  };
}

/** Asks for one element; ENOENT when there is none. */
export function queryElement({ name }: PacketMap, { key }: Pick<MapElement, "key">): Query {
  return {
    call: "NFT_MSG_GETSETELEM",
    flags: NLM_F_ACK,
    attributes: elementTree(name, keyTree(key)),
  };
}

/** The elements in the answers to {@linkcode queryElement}, or to `queryElements`. */
export function parseMapElements(messages: readonly Message[]): MapElement[] {
  return messages.flatMap((message) => {
    const list = parseAttributes(attributesOf(message)).get(nf.NFTA_SET_ELEM_LIST_ELEMENTS);
    return parseAttributeList(list ?? new Uint8Array()).map(({ payload }) => {
      const element = parseAttributes(payload);
      const value = (type: number) =>
        nestedAttributes(element, type).get(nf.NFTA_DATA_VALUE) ?? new Uint8Array();
      return {
        key: value(nf.NFTA_SET_ELEM_KEY),
        value: value(nf.NFTA_SET_ELEM_DATA),
        comment: readComment(element.get(nf.NFTA_SET_ELEM_USERDATA)) ?? "",
      };
    });
  });
}

function elementTree(map: string, element: Tree): Tree {
  return [
    [nf.NFTA_SET_ELEM_LIST_TABLE, TABLE_NAME],
    [nf.NFTA_SET_ELEM_LIST_SET, map],
    [nf.NFTA_SET_ELEM_LIST_ELEMENTS, [[nf.NFTA_LIST_ELEM, element]]],
  ];
}

function keyTree(key: Uint8Array): Tree {
  return [[nf.NFTA_SET_ELEM_KEY, [[nf.NFTA_DATA_VALUE, key]]]];
}
