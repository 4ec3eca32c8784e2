/**
 * Netlink attributes as nf_tables has them, written down as data: what we send, and what we compare
 * the kernel's objects with.
 */
import { cString, parseAttributeList, type WireWriter } from "../wire/attribute.ts";

/** Attributes in the order in which they are sent. */
export type Tree = readonly (readonly [type: number, value: Value])[];

/** A u32 or s32 or (bigint) u64 in network order, a text with its NUL, raw bytes, or a nest. */
export type Value = number | bigint | string | Uint8Array | Tree;

/** Appends the attributes. */
export function writeTree(writer: WireWriter, tree: Tree): void {
  for (const [type, value] of tree) {
    if (isLeaf(value)) writer.attribute(type, leafBytes(value));
    else writer.nested(type, (nest) => writeTree(nest, value));
  }
}

/**
 * True when attributes that the kernel sent say what the tree says: those of the types in the tree
 * occur as often, in the same order, with equal values. Types that are not in the tree, which we
 * leave to the kernel, do not count, nor does the order of different types.
 */
export function matchesTree(attributes: Uint8Array, tree: Tree): boolean {
  const rest = parseAttributeList(attributes);
  const holdsAll = tree.every(([type, value]) => {
    const at = rest.findIndex((attribute) => attribute.type === type);
    const [found] = at < 0 ? [] : rest.splice(at, 1);
    return found !== undefined && matchesValue(found.payload, value);
  });
  return holdsAll && !rest.some(({ type }) => tree.some(([wanted]) => wanted === type));
}

function matchesValue(payload: Uint8Array, value: Value): boolean {
  if (!isLeaf(value)) return matchesTree(payload, value);
  const bytes = leafBytes(value);
  return bytes.length === payload.length && bytes.every((byte, i) => byte === payload[i]);
}

function isLeaf(value: Value): value is Exclude<Value, Tree> {
  return !Array.isArray(value);
}

function leafBytes(value: Exclude<Value, Tree>): Uint8Array {
  if (typeof value === "string") return cString(value);
  if (typeof value === "object") return value;
  const bytes = new Uint8Array(typeof value === "bigint" ? 8 : 4);
  const view = new DataView(bytes.buffer);
  if (typeof value === "bigint") view.setBigUint64(0, value);
  else view.setInt32(0, value);
  return bytes;
}
