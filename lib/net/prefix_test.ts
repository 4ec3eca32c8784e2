import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { formatAddress, parseAddress } from "./address.ts";
import {
  containsAddress,
  containsPrefix,
  distinctPrefixes,
  equalPrefixes,
  equalPrefixSets,
  formatPrefix,
  hasHostBits,
  hostPrefix,
  lastAddress,
  networkOf,
  overlaps,
  parsePrefix,
  showPrefixes,
  tryParsePrefix,
} from "./prefix.ts";

Deno.test("parsePrefix: keeps host bits", () => {
  for (const text of ["10.0.0.5/24", "0.0.0.0/0", "10.0.0.5/32", "fd00::5/64", "::/0"]) {
    assertEquals(formatPrefix(parsePrefix(text)), text);
  }
});

Deno.test("parsePrefix: refuses what is no prefix", () => {
  for (
    const text of ["10.0.0.0", "10.0.0.0/33", "fd00::/129", "10.0.0.0/08", "10.0.0.0/-1", "/8"]
  ) {
    assertEquals(tryParsePrefix(text), undefined, text);
    assertThrows(() => parsePrefix(text), ConfigError, `Cannot parse prefix "${text}"`);
  }
});

Deno.test("networkOf and lastAddress: ends of the network", () => {
  const cases = [
    ["10.0.0.5/24", "10.0.0.0/24", "10.0.0.255"],
    ["10.0.0.130/25", "10.0.0.128/25", "10.0.0.255"],
    ["10.0.0.5/32", "10.0.0.5/32", "10.0.0.5"],
    ["1.2.3.4/0", "0.0.0.0/0", "255.255.255.255"],
    ["fd00::5/126", "fd00::4/126", "fd00::7"],
  ] as const;
  for (const [text, network, last] of cases) {
    const prefix = parsePrefix(text);
    assertEquals(formatPrefix(networkOf(prefix)), network);
    assertEquals(formatAddress(lastAddress(prefix)), last);
    assertEquals(hasHostBits(prefix), text !== network);
  }
});

Deno.test("containsAddress: inside, outside, other family", () => {
  const prefix = parsePrefix("10.0.0.5/24");
  assertEquals(containsAddress(prefix, parseAddress("10.0.0.255")), true);
  assertEquals(containsAddress(prefix, parseAddress("10.0.1.0")), false);
  assertEquals(containsAddress(parsePrefix("::/0"), parseAddress("10.0.0.1")), false);
});

Deno.test("overlaps: either way round", () => {
  const cases = [
    ["10.0.0.0/8", "10.1.0.0/16", true],
    ["10.1.0.0/16", "10.0.0.0/8", true],
    ["10.0.0.0/24", "10.0.1.0/24", false],
    ["fd00::/64", "10.0.0.0/8", false],
  ] as const;
  for (const [a, b, expected] of cases) {
    assertEquals(overlaps(parsePrefix(a), parsePrefix(b)), expected, `${a} ${b}`);
  }
});

Deno.test("equalPrefixes: host bits count", () => {
  assertEquals(equalPrefixes(parsePrefix("10.0.0.1/24"), parsePrefix("10.0.0.1/24")), true);
  assertEquals(equalPrefixes(parsePrefix("10.0.0.1/24"), parsePrefix("10.0.0.2/24")), false);
  assertEquals(equalPrefixes(parsePrefix("10.0.0.1/24"), parsePrefix("10.0.0.1/25")), false);
});

Deno.test("hostPrefix: the whole address", () => {
  assertEquals(formatPrefix(hostPrefix(parseAddress("10.0.0.1"))), "10.0.0.1/32");
  assertEquals(formatPrefix(hostPrefix(parseAddress("fd00::1"))), "fd00::1/128");
});

Deno.test("containsPrefix: itself and what is inside, not what is wider or elsewhere", () => {
  const outer = parsePrefix("10.0.0.0/16");
  for (const inner of ["10.0.0.0/16", "10.0.255.0/24"]) {
    assertEquals(containsPrefix(outer, parsePrefix(inner)), true, inner);
  }
  for (const inner of ["10.0.0.0/15", "10.1.0.0/24", "::/0"]) {
    assertEquals(containsPrefix(outer, parsePrefix(inner)), false, inner);
  }
});

Deno.test("distinctPrefixes and showPrefixes: each once, in quotes", () => {
  const prefixes = ["10.0.0.0/8", "fd00::/8", "10.0.0.0/8", "10.0.0.0/9"].map(parsePrefix);
  assertEquals(
    showPrefixes(distinctPrefixes(prefixes)),
    '"10.0.0.0/8", "fd00::/8", "10.0.0.0/9"',
  );
});

Deno.test("equalPrefixSets: in whatever order, and none too many", () => {
  const list = (texts: string) => texts.split(" ").map(parsePrefix);
  const [two, one] = [list("10.0.0.0/8 fd00::/8"), list("10.0.0.0/8")];
  assertEquals(equalPrefixSets(two, list("fd00::/8 10.0.0.0/8")), true);
  assertEquals(equalPrefixSets(two, one), false);
  assertEquals(equalPrefixSets(one, two), false);
  assertEquals(equalPrefixSets(one, list("10.0.0.0/9")), false);
});
