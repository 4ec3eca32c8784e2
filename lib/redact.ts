/** What the log may show of a value: everything that JSON can hold, but no secrets. */
import { HeadcniError, KernelError } from "./errors.ts";

/** What stands in the place of a secret. */
export const REDACTED = "[redacted]";

/** Parts of names whose values are secrets, as regular expressions. */
export const SECRET_WORDS = [
  "(?:auth|api|access|private|preshared|client)[-_ ]*key",
  ...["token", "pass[-_ ]*w(?:or)?d", "pass[-_ ]*phrase", "secret", "credential"],
  ...["authorization", "cookie", "psk", "htpasswd"],
].join("|");

const SECRET_KEY = new RegExp(SECRET_WORDS, "i");

/** Keys of Tailscale and Headscale, and bearer tokens, inside a text. */
const SECRET_TEXT = /\b(tskey-|hskey-|Bearer )[\w.~+/=-]+/g;

/** User and password of a URL inside a text, or what stands there alone: RFC 3986 section 3.2.1. */
export const SECRET_OF_URL = /(:\/\/)(?:[^\s/?#"'@,:]+|[^\s/?#"'@]*:[^\s/?#"']*)@/g;

/** Deeper values are only hinted at, and a cycle ends. */
const MAX_DEPTH = 8;

/**
 * A copy of `value` for `JSON.stringify`: values of keys that name a secret and secrets inside
 * texts are cut, errors are shown with their causes, bigints as decimal text, bytes in hex.
 */
export function redact(value: unknown): unknown {
  return copy(value, 0);
}

function copy(value: unknown, depth: number): unknown {
  if (typeof value === "string") {
    return value.replaceAll(SECRET_TEXT, `$1${REDACTED}`)
      .replaceAll(SECRET_OF_URL, `$1${REDACTED}@`);
  }
  if (typeof value === "bigint") return value.toString();
  if (typeof value === "function" || typeof value === "symbol") return String(value);
  if (typeof value !== "object" || value === null) return value;
  if (depth === MAX_DEPTH) return "...";
  if (value instanceof Error) return copyError(value, depth + 1);
  if (value instanceof Date || value instanceof URL) return copy(String(value), depth);
  if (value instanceof Uint8Array) return value.toHex();
  if (value instanceof Map) return copyEntries([...value], depth + 1);
  if (Array.isArray(value)) return value.map((each) => copy(each, depth + 1));
  if (value instanceof Set) return Array.from(value, (each) => copy(each, depth + 1));
  return copyEntries(Object.entries(value), depth + 1);
}

function copyEntries(entries: readonly [unknown, unknown][], depth: number): unknown {
  return Object.fromEntries(entries.map(([name, value]) => {
    return [String(name), SECRET_KEY.test(String(name)) ? REDACTED : copy(value, depth)];
  }));
}

/** Our own errors tell all by reason and text; others show where they come from. */
function copyError(error: Error, depth: number): unknown {
  const fields: [string, unknown][] = [["name", error.name], ["message", error.message]];
  if (error instanceof HeadcniError) fields.push(["reason", error.reason]);
  if (error instanceof KernelError) fields.push(["call", error.call], ["errno", error.errno]);
  if (error instanceof HeadcniError && error.details) fields.push(["details", error.details]);
  if (!(error instanceof HeadcniError)) fields.push(["stack", error.stack]);
  if (error.cause !== undefined) fields.push(["cause", error.cause]);
  return copyEntries(fields, depth);
}
