import { assertEquals, assertStringIncludes } from "@std/assert";
import type { Reason } from "../errors.ts";
import { isDamage, isFull, storeFailure } from "./failure.ts";

const rows: readonly [cause: string, reason: Reason, hint: string][] = [
  ["file is not a database", "store-damaged", "makes the store anew"],
  ["database disk image is malformed", "store-damaged", "The next ADD or DEL"],
  [
    'malformed database schema (kv) - near "@": syntax error',
    "store-damaged",
    "makes the store anew",
  ],
  ["unsupported file format", "store-damaged", "makes the store anew"],
  ["no such column: k", "store-damaged", "makes the store anew"],
  [
    "Failed to perform 'sum' mutation on a non-U64 value in the database",
    "store-damaged",
    "makes the store anew",
  ],
  ["invalid value encoding", "store-damaged", "makes the store anew"],
  ["database is locked", "try-again", "without our lock"],
  ["database or disk is full", "store-failure", "free space"],
  ["disk I/O error", "store-failure", "free space"],
  ["No space left on device (os error 28)", "store-failure", "free space"],
  [
    "Read-only file system (os error 30)",
    "store-failure",
    "a local file system that root can write",
  ],
];

for (const [text, reason, hint] of rows) {
  Deno.test(`storeFailure: what to do about "${text}"`, () => {
    const cause = new Error(text);
    const error = storeFailure("open", "/s/state.kv", cause);
    assertEquals(error.message, `Cannot open the store "/s/state.kv": ${text}`);
    assertEquals([error.reason, error.cause], [reason, cause]);
    assertEquals(isDamage(error), reason === "store-damaged");
    assertEquals(isFull(error), hint === "free space");
    assertStringIncludes(error.details ?? "", hint);
  });
}

Deno.test("isFull, isDamage: only errors of the store count", () => {
  assertEquals(isFull(new Error("database or disk is full")), false);
  assertEquals(isDamage(new Error("file is not a database")), false);
});
