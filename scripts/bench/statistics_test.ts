import { assertEquals, assertThrows } from "@std/assert";
import { median, medianRatio, quantile } from "./statistics.ts";

Deno.test("quantile: nearest rank of unsorted values", () => {
  assertEquals(quantile([3, 1, 2, 4], 0), 1);
  assertEquals(quantile([3, 1, 2, 4], 0.95), 4);
  assertThrows(() => quantile([], 0.5), RangeError, "no values");
});

Deno.test("median: middle of an odd count", () => {
  assertEquals(median([9, 1, 5]), 5);
});

Deno.test("medianRatio: pairs are divided before the median", () => {
  assertEquals(medianRatio([2, 20, 300], [1, 10, 100]), 2);
  assertThrows(() => medianRatio([1], [1, 2]), RangeError, "1 values with 2");
});
