import { assertEquals } from "@std/assert";
import { fnv1a64 } from "./fnv1a64.ts";

Deno.test("fnv1a64: the vectors of draft-eastlake-fnv, and bytes of UTF-8", () => {
  const vectors: readonly (readonly [text: string, hash: bigint])[] = [
    ["", 0xcbf29ce484222325n],
    ["a", 0xaf63dc4c8601ec8cn],
    ["foobar", 0x85944171f73967e8n],
  ];
  for (const [text, hash] of vectors) assertEquals(fnv1a64(text), hash, text);
  assertEquals(fnv1a64("\u00e4") === fnv1a64("\u00c3\u00a4"), false);
});
