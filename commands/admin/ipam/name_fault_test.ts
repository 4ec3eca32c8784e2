import { assertEquals } from "@std/assert";
import { nameFault } from "./name_fault.ts";

Deno.test("nameFault: refuses what ADD and DEL refuse", () => {
  for (const name of ["a", "0a_.-", "a".repeat(255)]) assertEquals(nameFault(name), undefined);
  for (const name of ["", ".", "../a", "a b", "a/b", "\u00e4"]) {
    assertEquals(nameFault(name), "letters, digits, _, . and - wanted, a letter or digit first");
  }
  assertEquals(nameFault("a".repeat(256)), "255 bytes at most wanted");
});
