import { cString, readString } from "../wire/attribute.ts";

/**
 * A comment in the userdata of a rule or an element: u8 type, u8 length, text with its NUL;
 * `NFTNL_UDATA_RULE_COMMENT` and `NFTNL_UDATA_SET_ELEM_COMMENT`, libnftnl/udata.h.
 */
const UDATA_COMMENT = 0;

/** Userdata that holds nothing but a comment of at most 127 bytes, which nft(8) shows. */
export function commentBytes(comment: string): Uint8Array<ArrayBuffer> {
  const text = cString(comment);
  return Uint8Array.of(UDATA_COMMENT, text.length, ...text);
}

/** The comment in userdata; undefined when there is none. */
export function readComment(userdata: Uint8Array | undefined): string | undefined {
  let rest = userdata ?? new Uint8Array();
  while (rest.length >= 2) {
    const [type, length = 0] = rest;
    if (type === UDATA_COMMENT) return readString(rest.subarray(2, 2 + length));
    rest = rest.subarray(2 + length);
  }
  return undefined;
}
