import { assertEquals } from "@std/assert";
import { WakeBudget } from "./wake_budget.ts";

/** Takes one after the other, each after its wait, and answers the waits. */
function waits(budget: WakeBudget, count: number, from: number, everyMs = 0): number[] {
  let nowMs = from;
  return Array.from({ length: count }, () => {
    const waitMs = budget.take(nowMs);
    nowMs += waitMs + everyMs;
    return waitMs;
  });
}

Deno.test("WakeBudget: a burst is free, what comes without end is spaced out", () => {
  const expected = [...Array(30).fill(0), ...Array(10).fill(5_000)];
  assertEquals(waits(new WakeBudget(), 40, 1_000), expected);
});

Deno.test("WakeBudget: quiet makes room for another burst, in its measure", () => {
  const budget = new WakeBudget();
  waits(budget, 31, 0);
  const later = 5_000 + 10 * 5_000;
  assertEquals(waits(budget, 11, later), [...Array(10).fill(0), 5_000]);
  assertEquals(waits(budget, 31, 1e9), [...Array(30).fill(0), 5_000]);
});

Deno.test("WakeBudget: what is seldom never waits", () => {
  assertEquals(waits(new WakeBudget(), 1_000, 0, 5_000), Array(1_000).fill(0));
});
