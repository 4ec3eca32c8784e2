import { assertEquals } from "@std/assert";
import { tryParseDurationMs } from "./duration.ts";

Deno.test("tryParseDurationMs: reads durations of Go, and seconds", () => {
  const cases: [string | number, number][] = [
    ["60s", 60_000],
    ["1h2m3.5s", 3_723_500],
    ["250ms", 250],
    ["1500us", 1.5],
    ["0", 0],
    ["2.m", 120_000],
    [90, 90_000],
    [0, 0],
  ];
  for (const [value, want] of cases) assertEquals(tryParseDurationMs(value), want, String(value));
});

Deno.test("tryParseDurationMs: refuses everything else", () => {
  for (const value of ["", "60", "-1s", "1d", "s", "1s ", "1.2.3s", -1, NaN, Infinity]) {
    assertEquals(tryParseDurationMs(value), undefined, String(value));
  }
});
