import { assertEquals } from "@std/assert";
import { colouredScreen, PLAIN_SCREEN } from "./screen.ts";
import { formatAge, formatRows, formatTable } from "./table.ts";

Deno.test("formatTable: columns are as wide as their widest cell", () => {
  assertEquals(
    formatTable(
      ["POD", "ADDRESSES", ""],
      [["default/web", "10.0.0.2/24", ""], ["-", "-", "x"]],
      PLAIN_SCREEN,
    ),
    "POD          ADDRESSES\ndefault/web  10.0.0.2/24\n-            -            x",
  );
});

Deno.test("formatTable: tones take no columns", () => {
  const screen = colouredScreen(80);
  assertEquals(
    formatTable(["A", "B"], [[screen.fail("bad"), "x"], ["fine", "y"]], screen),
    "\x1b[1mA\x1b[0m     \x1b[1mB\x1b[0m\n\x1b[31mbad\x1b[0m   x\nfine  y",
  );
});

Deno.test("formatRows: no rows, no text", () => assertEquals(formatRows([], PLAIN_SCREEN), ""));

const SENTENCE = "a text of nine words that is rather long";

const widths: readonly [columns: number, text: string][] = [
  [Infinity, `ok    ${SENTENCE}\nFAIL  short\n?`],
  [46, `ok    ${SENTENCE}\nFAIL  short\n?`],
  [45, "ok    a text of nine words that is rather\n      long\nFAIL  short\n?"],
  [30, "ok    a text of nine words\n      that is rather long\nFAIL  short\n?"],
  [29, `ok    ${SENTENCE}\nFAIL  short\n?`],
];

for (const [columns, text] of widths) {
  Deno.test(`formatRows: the last column fits ${columns} columns where there is room`, () => {
    assertEquals(formatRows([["ok", SENTENCE], ["FAIL", "short"], ["?"]], { columns }), text);
  });
}

Deno.test("formatRows: a word that is longer than the line stays whole", () => {
  const path = "/a/path/that/is/longer/than/that";
  assertEquals(
    formatRows([["x", `see ${path} now`]], { columns: 28 }),
    `x  see\n   ${path}\n   now`,
  );
});

const ages: readonly [seconds: number, age: string][] = [
  [-5, "0s"],
  [0.999, "0s"],
  [59.9, "59s"],
  [60, "1m"],
  [3599, "59m"],
  [3600, "1h"],
  [86_399, "23h"],
  [86_400, "1d"],
  [8_640_000, "100d"],
];

for (const [seconds, age] of ages) {
  Deno.test(`formatAge: ${seconds} s`, () => assertEquals(formatAge(seconds * 1000), age));
}
