import { assertEquals } from "@std/assert";
import { commentBytes, readComment } from "./comment.ts";

Deno.test("commentBytes, readComment: what is written is what is read", () => {
  assertEquals(commentBytes("c4").toHex(), "0003633400");
  for (const text of ["", "veth0123456789a", "\u00e4".repeat(60)]) {
    assertEquals(readComment(commentBytes(text)), text);
  }
});

Deno.test("readComment: other userdata is passed over", () => {
  const cases: [string, string | undefined][] = [
    ["", undefined],
    ["01", undefined],
    ["0104aabbccdd", undefined],
    ["0104aabbccdd 0003633400", "c4"],
    ["00ff6334", "c4"], // cut short
  ];
  for (const [hex, comment] of cases) {
    assertEquals(readComment(Uint8Array.fromHex(hex.replaceAll(" ", ""))), comment, hex);
  }
  assertEquals(readComment(undefined), undefined);
});
