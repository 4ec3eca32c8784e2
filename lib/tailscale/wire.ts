/** Kinds of values that LocalAPI's JSON has; Go writes null for an empty list, and a zero time. */
import * as v from "valibot";
import { tryParseAddress } from "../net/address.ts";
import { tryParsePrefix } from "../net/prefix.ts";

/** A text; empty when it is absent or null. */
export const wireText = v.nullish(v.string(), "");

/** A flag; false when it is absent or null. */
export const wireFlag = v.nullish(v.boolean(), false);

/** Texts; none when the list is absent or null. */
export const wireTexts = v.nullish(v.array(v.string()), []);

/** Addresses; what is none is left out. */
export const wireAddresses = wireList(tryParseAddress);

/** Prefixes; what is none, such as the text of Go's zero prefix, is left out. */
export const wirePrefixes = wireList(tryParsePrefix);

/** A time of Go's in RFC 3339; undefined for an absent one or the zero time. */
export function wireTime(text: string): string | undefined {
  return text === "" || text.startsWith("0001-01-01T") ? undefined : text;
}

function wireList<Value>(parse: (text: string) => Value | undefined) {
  return v.nullish(
    v.pipe(
      v.array(v.string()),
      v.transform((texts) => texts.map(parse).filter((value) => value !== undefined)),
    ),
    [],
  );
}
