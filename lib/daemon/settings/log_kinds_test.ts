import { assertEquals } from "@std/assert";
import * as v from "valibot";
import type { Kind } from "./kind.ts";
import { days, megabytes } from "./log_kinds.ts";

/** What is shown of values that were taken; undefined for those that were not. */
function shown<Value>(kind: Kind<Value>, raw: readonly unknown[]): unknown[] {
  return raw.map((one) => {
    const result = v.safeParse(kind.schema, one);
    return result.success ? kind.show(result.output) : undefined;
  });
}

Deno.test("megabytes: numbers are of MB, texts have a unit, and what is shown is taken again", () => {
  const rows = [0, 100, "100", "100MB", "1G", "2GiB", "512KB", "1500 K"];
  const wanted = ["100MB", "100MB", "100MB", "100MB", "1024MB", "2048MB", "512KB", "1500KB"];
  assertEquals(shown(megabytes, rows), wanted);
  assertEquals(shown(megabytes, wanted), wanted);
  assertEquals(v.parse(megabytes.schema, "1MB"), 1_048_576);
  const bad = ["", -1, 1.5, "10B", "1TB", "63KB", "101GB", "10mb", null, {}, true];
  assertEquals(shown(megabytes, bad), bad.map(() => undefined));
});

Deno.test("days: numbers are of days, texts have a unit, and what is shown is taken again", () => {
  const rows = [7, "7", "7d", "2w", "48h", "5h", 0, "0"];
  const wanted = ["7d", "7d", "7d", "14d", "2d", "5h", "0d", "0d"];
  assertEquals(shown(days, rows), wanted);
  assertEquals(shown(days, wanted), wanted);
  const bad = ["", "-1", 1.5, "7y", "7 days", "d", null, {}, true];
  assertEquals(shown(days, bad), bad.map(() => undefined));
});
