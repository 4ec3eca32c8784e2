import * as v from "valibot";
import { errorText } from "../errors.ts";
import { addressFromBytes } from "../net/address.ts";
import { parseWith } from "../schema.ts";
import { damage } from "./failure.ts";

const name = v.pipe(v.string(), v.nonEmpty("a text wanted that is not empty"));

/** The key of an attachment as it is stored. */
export const storedKey = v.object({ network: name, containerId: name, ifname: name });

/** A pod reference as it is stored. */
export const storedPod = v.object({
  namespace: v.exactOptional(v.string()),
  name: v.exactOptional(v.string()),
  uid: v.exactOptional(v.string()),
});

/** An address as it is stored: 4 or 16 bytes in network order. */
export const storedAddress = v.pipe(
  v.instance(Uint8Array),
  v.check(({ length }) => length === 4 || length === 16, "4 or 16 bytes wanted"),
  v.transform((bytes) => addressFromBytes(bytes)),
);

/**
 * Checks a value that the store gave back.
 * @param what names it in the error, such as `lease "pods/abc/eth0"`.
 * @throws StoreError `store-damaged`: somebody else wrote it, or it is damaged.
 */
export function parseRecord<Schema extends v.GenericSchema>(
  schema: Schema,
  value: unknown,
  what: string,
): v.InferOutput<Schema> {
  try {
    return parseWith(schema, value, what);
  } catch (cause) {
    throw damage(`Cannot read the store: ${errorText(cause)}`, { cause });
  }
}
