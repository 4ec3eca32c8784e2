import { assertEquals } from "@std/assert";
import { batchesOf } from "./batches.ts";

Deno.test("batchesOf: all items in their order, the rest in the last group", () => {
  assertEquals([...batchesOf([1, 2, 3, 4, 5], 2)], [[1, 2], [3, 4], [5]]);
  assertEquals([...batchesOf([1, 2, 3, 4], 2)], [[1, 2], [3, 4]]);
  assertEquals([...batchesOf([], 2)], []);
});
