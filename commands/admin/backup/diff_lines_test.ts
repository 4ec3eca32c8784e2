import { assertEquals } from "@std/assert";
import { diffLines } from "./diff_lines.ts";

const ROWS: readonly [what: string, before: string, after: string, changes: string[]][] = [
  ["the same", "a\nb\n", "a\nb\n", []],
  ["one more", "a\n", "a\nb\n", ["+ b"]],
  ["one less", "a\nb\nc\n", "a\nc\n", ["- b"]],
  ["another", "a\nb\nc\n", "a\nd\nc\n", ["- b", "+ d"]],
  ["all", "a\nb\n", "c\n", ["- a", "- b", "+ c"]],
  ["moved", "a\nb\nc\n", "b\nc\na\n", ["- a", "+ a"]],
  ["from nothing", "", "a\n", ["+ a"]],
];

for (const [what, before, after, changes] of ROWS) {
  Deno.test(`diffLines: ${what}`, () => assertEquals(diffLines(before, after), changes));
}
