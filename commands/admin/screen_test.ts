import { assertEquals } from "@std/assert";
import { colouredScreen, PLAIN_SCREEN, widthOf } from "./screen.ts";

Deno.test("colouredScreen: every tone shows and ends, and takes no columns", () => {
  const { columns, ...paints } = colouredScreen(80);
  assertEquals(columns, 80);
  const shown = Object.values(paints).map((paint) => paint("text"));
  assertEquals(new Set(shown).size, 4);
  for (const text of shown) {
    assertEquals([text.startsWith("\x1b["), text.endsWith("text\x1b[0m")], [true, true]);
    assertEquals(widthOf(text), 4);
  }
  assertEquals(paints.fail(""), "");
});

Deno.test("PLAIN_SCREEN: leaves texts as they are, of any length", () => {
  const { columns, ...paints } = PLAIN_SCREEN;
  assertEquals(columns, Infinity);
  for (const paint of Object.values(paints)) assertEquals(paint("text"), "text");
});
