import { assertEquals } from "@std/assert";
import { WireWriter } from "../wire/attribute.ts";
import { matchesTree, type Tree, writeTree } from "./tree.ts";

Deno.test("writeTree: numbers in network order, texts with NUL, bytes, nests", () => {
  const cases: [string, Tree, string][] = [
    ["empty", [], ""],
    ["number", [[1, 0x01020304]], "08000100 01020304"],
    ["high number", [[1, 0xfffffffe]], "08000100 fffffffe"],
    ["negative number", [[1, -300]], "08000100 fffffed4"],
    ["bigint", [[3, 5n]], "0c000300 00000000 00000005"],
    ["text", [[2, "nat"]], "08000200 6e617400"],
    ["text with padding", [[2, "cmp1"]], "09000200 636d7031 00000000"],
    ["bytes with padding", [[1, Uint8Array.of(2)]], "05000100 02000000"],
    ["nest", [[4, [[1, 4], [2, 100]]]], "14000480 08000100 00000004 08000200 00000064"],
    ["in order", [[2, 1], [1, 2]], "08000200 00000001 08000100 00000002"],
  ];
  for (const [name, tree, hex] of cases) {
    assertEquals(encode(tree).toHex(), hex.replaceAll(" ", ""), name);
  }
});

Deno.test("matchesTree: what the tree says must be so, what it does not say may be any", () => {
  const want: Tree = [[1, 7], [2, "set"], [3, [[1, [[1, "a"]]], [1, [[1, "b"]]]]]];
  const cases: [string, Tree, boolean][] = [
    ["the same", want, true],
    ["another order of types", want.toReversed(), true],
    ["more types", [[9, 1], ...want, [8, "x"]], true],
    ["one missing", want.slice(1), false],
    ["one doubled", [...want, [1, 7]], false],
    ["another number", [[1, 8], ...want.slice(1)], false],
    ["another text", [[1, 7], [2, "sat"], ...want.slice(2)], false],
    ["a longer text", [[1, 7], [2, "sets"], ...want.slice(2)], false],
    ["a nest with less", [...want.slice(0, 2), [3, [[1, [[1, "a"]]]]]], false],
    ["a nest in another order", [
      ...want.slice(0, 2),
      [3, [[1, [[1, "b"]]], [1, [[1, "a"]]]]],
    ], false],
    ["a nest with more", [
      ...want.slice(0, 2),
      [3, [[1, [[1, "a"]]], [1, [[1, "b"]]], [1, [[1, "c"]]]]],
    ], false],
    ["nothing", [], false],
  ];
  for (const [name, have, expected] of cases) {
    assertEquals(matchesTree(encode(have), want), expected, name);
  }
  assertEquals(matchesTree(encode(want), []), true);
});

function encode(tree: Tree): Uint8Array {
  const writer = new WireWriter();
  writeTree(writer, tree);
  return writer.finish();
}
