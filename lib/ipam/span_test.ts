import { assertEquals } from "@std/assert";
import { formatSpan } from "../../tests/fakes/format_span.ts";
import { tryParseSpan } from "./span.ts";

/** Text and what it means; undefined for what it does not mean. */
const CASES: readonly [string, string | undefined][] = [
  ["10.0.0.7", "10.0.0.7"],
  ["10.0.0.0/30", "10.0.0.0-10.0.0.3"],
  ["10.0.0.9/30", "10.0.0.8-10.0.0.11"],
  ["10.0.0.9/32", "10.0.0.9"],
  ["10.0.0.1-10.0.1.1", "10.0.0.1-10.0.1.1"],
  ["10.0.0.1 - 10.0.0.2", "10.0.0.1-10.0.0.2"],
  ["10.0.0.1-10.0.0.1", "10.0.0.1"],
  ["0.0.0.0/0", "0.0.0.0-255.255.255.255"],
  ["fd00::/126", "fd00::-fd00::3"],
  ["fd00::1-fd00::ff", "fd00::1-fd00::ff"],
  ["::/0", "::-ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
  ["10.0.0.2-10.0.0.1", undefined],
  ["10.0.0.1-fd00::1", undefined],
  ["10.0.0.1-", undefined],
  ["-10.0.0.1", undefined],
  ["10.0.0.1-10.0.0.2-10.0.0.3", undefined],
  ["10.0.0.0/24-10.0.1.0/24", undefined],
  ["10.0.0.1-9", undefined],
  ["10.0.0.0/33", undefined],
  ["10.0.0", undefined],
  ["", undefined],
];

Deno.test("tryParseSpan: reads networks, two ends and single addresses, and nothing else", () => {
  for (const [text, want] of CASES) {
    const span = tryParseSpan(text);
    assertEquals(span && formatSpan(span), want, text);
  }
});
