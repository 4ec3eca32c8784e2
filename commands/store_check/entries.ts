/**
 * Reads entries of a damaged KV row by row. Deno KV would end the runtime, or answer nothing for a
 * batch in which one row makes no sense.
 */
import type { StoreEntry } from "../../lib/store/transaction.ts";

/** What tells how a row keeps its value: `ValueEncoding`, denokv/proto/datapath.proto. */
const V8_VALUE = 1;
const U64_VALUE = 2;
const BYTES_VALUE = 3;

/** First bytes of the parts of a key: denokv/proto/codec.rs. */
const BYTES_PART = 0x01;
const STRING_PART = 0x02;
const NUMBER_PART = 0x21;
/** Ends bytes and text, unless {@linkcode ESCAPE} follows. */
const END = 0x00;
const ESCAPE = 0xff;

type Row = Readonly<Record<string, unknown>>;

/**
 * Reads what can be read below the prefixes, from both ends of each to the first page that cannot.
 * @param prefixes one text each.
 * @param report gets each entry once; its value is null when it makes no sense.
 * @throws Error of SQLite when the file is no database.
 */
export async function readEntries(
  file: string,
  prefixes: readonly string[],
  report: (entry: StoreEntry) => void,
): Promise<void> {
  const { DatabaseSync } = await import("node:sqlite");
  const { deserialize } = await import("node:v8");
  const database = new DatabaseSync(file, { readOnly: true });
  // Fails where all that follows would.
  database.prepare("SELECT k FROM kv LIMIT 0").all();
  for (const prefix of prefixes) {
    const first = Uint8Array.of(STRING_PART, ...new TextEncoder().encode(prefix), END);
    const rowsIn = (order: "ASC" | "DESC") =>
      database.prepare(`SELECT k, v, v_encoding FROM kv WHERE k >= ? AND k < ? ORDER BY k ${order}`)
        .iterate(first, Uint8Array.of(...first, ESCAPE));
    for (const row of fromBothEnds(rowsIn)) {
      const key = orNull(() => parseKey(row.k));
      if (key) report({ key, value: orNull(() => parseValue(row, deserialize)) });
    }
  }
}

/**
 * The rows before a page that makes no sense and those behind it, each once. The iterator of
 * node:sqlite ends there as if there were no more: only the way back tells.
 */
function* fromBothEnds(rowsIn: (order: "ASC" | "DESC") => Iterable<Row>): Generator<Row> {
  const seen = new Set<string>();
  for (const order of ["ASC", "DESC"] as const) {
    try {
      for (const row of rowsIn(order)) {
        const name = row.k instanceof Uint8Array ? row.k.toHex() : "";
        if (order === "DESC" && seen.has(name)) return;
        seen.add(name);
        yield row;
      }
    } catch {
      // Should it tell: the other end may have more.
    }
  }
}

function parseKey(bytes: unknown): Deno.KvKey {
  if (!(bytes instanceof Uint8Array)) throw new TypeError("a key is bytes");
  const parts: Deno.KvKeyPart[] = [];
  for (let at = 0; at < bytes.length;) {
    const [part, next] = parsePart(bytes, at);
    parts.push(part);
    at = next;
  }
  return parts;
}

/** The part that begins at `at`, and where the next one does. */
function parsePart(bytes: Uint8Array, at: number): [Deno.KvKeyPart, next: number] {
  const kind = bytes[at];
  if (kind === NUMBER_PART) return [parseNumber(bytes.slice(at + 1, at + 9)), at + 9];
  const content: number[] = [];
  for (let next = at + 1; next < bytes.length; next++) {
    const byte = bytes[next] ?? END;
    if (byte !== END) content.push(byte);
    else if (bytes[next + 1] === ESCAPE) content.push(bytes[next++] ?? END);
    else if (kind === BYTES_PART) return [Uint8Array.from(content), next + 1];
    else if (kind === STRING_PART) return [parseText(Uint8Array.from(content)), next + 1];
    else break;
  }
  throw new TypeError("a key has a part that is not ours");
}

/** IEEE 754 with its sign turned over, a negative one with all bits: so their order is that of bytes. */
function parseNumber(bytes: Uint8Array): number {
  const isNegative = ((bytes[0] ?? 0) & 0x80) === 0;
  const turned = bytes.map((byte, index) => isNegative ? ~byte : index === 0 ? byte ^ 0x80 : byte);
  return new DataView(turned.buffer).getFloat64(0);
}

function parseText(bytes: Uint8Array): string {
  return new TextDecoder("utf-8", { fatal: true }).decode(bytes);
}

function parseValue(
  { v: value, v_encoding: encoding }: Row,
  deserialize: (bytes: Uint8Array) => unknown,
): unknown {
  if (!(value instanceof Uint8Array)) throw new TypeError("a value is bytes");
  if (encoding === V8_VALUE) return deserialize(value);
  if (encoding === BYTES_VALUE) return value;
  if (encoding !== U64_VALUE) throw new TypeError("a value is of an unknown kind");
  return new Deno.KvU64(new DataView(value.slice().buffer).getBigUint64(0, true));
}

function orNull<T>(parse: () => T): T | null {
  try {
    return parse();
  } catch {
    return null;
  }
}
