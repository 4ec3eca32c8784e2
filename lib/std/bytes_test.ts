import { assertEquals } from "@std/assert";
import { concat } from "@std/bytes";

Deno.test("concat: bytes of all in their order, and a copy of them", () => {
  const first = new Uint8Array([1, 2]);
  const joined = concat([first, new Uint8Array(), new Uint8Array([3])]);
  first[0] = 9;
  assertEquals(joined, new Uint8Array([1, 2, 3]));
  assertEquals(concat([]), new Uint8Array());
});
