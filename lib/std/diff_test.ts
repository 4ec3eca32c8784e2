import { assertEquals } from "@std/assert";
import { diffLines } from "./diff.ts";

const rows: readonly [name: string, actual: string, expected: string, lines: string[]][] = [
  ["same", "a\nb", "a\nb", ["  a", "  b"]],
  ["a line too many", "a\nb\nc", "a\nc", ["  a", "- b", "  c"]],
  ["a line missing", "a\nc", "a\nb\nc", ["  a", "+ b", "  c"]],
  ["changed", "a\nb", "a\nc", ["  a", "- b", "+ c"]],
  ["moved", "a\nb\nc", "c\na\nb", ["+ c", "  a", "  b", "- c"]],
  ["two places", "x\na\nb\ny", "w\na\nb\nz", ["- x", "+ w", "  a", "  b", "- y", "+ z"]],
  ["empty and text", "", "a", ["- ", "+ a"]],
  ["repeated lines", "a\na", "a\na\na", ["  a", "  a", "+ a"]],
];

for (const [name, actual, expected, lines] of rows) {
  Deno.test(`diffLines: ${name}`, () => assertEquals(diffLines(actual, expected), lines));
}

Deno.test("diffLines: long texts are shown unaligned", () => {
  const numbers = (from: number) => Array.from({ length: 2001 }, (_, i) => String(from + i));
  const [left, right] = [numbers(0), numbers(10_000)];
  assertEquals(diffLines(left.join("\n"), right.join("\n")), [
    ...left.map((line) => `- ${line}`),
    ...right.map((line) => `+ ${line}`),
  ]);
});
