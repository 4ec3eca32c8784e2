import { assertEquals } from "@std/assert";
import { formatAge, formatTable } from "./table.ts";

Deno.test("formatTable: columns are as wide as their widest cell", () => {
  assertEquals(
    formatTable([["POD", "ADDRESSES", ""], ["default/web", "10.0.0.2/24", ""], ["-", "-", "x"]]),
    "POD          ADDRESSES\ndefault/web  10.0.0.2/24\n-            -            x",
  );
});

Deno.test("formatTable: no rows, no text", () => assertEquals(formatTable([]), ""));

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
