import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import {
  addOffset,
  addressBytes,
  addressFromBytes,
  distinctAddresses,
  equalAddresses,
  formatAddress,
  isBetween,
  parseAddress,
  tryParseAddress,
} from "./address.ts";

const CANONICAL = [
  ["0.0.0.0", "0.0.0.0"],
  ["10.244.0.1", "10.244.0.1"],
  ["255.255.255.255", "255.255.255.255"],
  ["::", "::"],
  ["::1", "::1"],
  ["FD00:0:0:0::A", "fd00::a"],
  ["2001:db8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"],
] as const;

Deno.test("parseAddress and formatAddress: canonical text of both families", () => {
  for (const [text, canonical] of CANONICAL) {
    assertEquals(formatAddress(parseAddress(text)), canonical);
  }
});

Deno.test("parseAddress: refuses what is no address", () => {
  for (
    const text of [
      ...["", "x", "1", "10.1", "10.0.0.1.2", "10..0.1", "10.0.0.", "010.0.0.1", "10.0.0.256"],
      ...["10.0.0.+1", "10.0.0.1e0", "10.0.0.0x1", "10.0.0.1 ", "10.0.0.1\n", "10.0.0.1/24"],
      ...["fe80::1%eth0", "::10.0.0.256", ":::"],
    ]
  ) {
    assertEquals(tryParseAddress(text), undefined, text);
    assertThrows(() => parseAddress(text), ConfigError, `Cannot parse address "${text}"`);
  }
});

Deno.test("addressBytes and addressFromBytes: network byte order, both ways", () => {
  assertEquals([...addressBytes(parseAddress("10.1.2.3"))], [10, 1, 2, 3]);
  assertEquals([...addressBytes(parseAddress("fd00::102"))].slice(13), [0, 1, 2]);
  for (const [text] of CANONICAL) {
    const address = parseAddress(text);
    assertEquals(addressFromBytes(addressBytes(address)), address);
  }
  assertThrows(() => addressFromBytes(new Uint8Array(5)), RangeError, "5 bytes");
});

Deno.test("equalAddresses: by family and number", () => {
  const texts = ["10.0.0.9", "10.0.0.10", "::", "0.0.0.0", "::a00:9"];
  for (const [i, a] of texts.entries()) {
    for (const [j, b] of texts.entries()) {
      assertEquals(equalAddresses(parseAddress(a), parseAddress(b)), i === j, `${a} ${b}`);
    }
  }
});

Deno.test("distinctAddresses: each once, the first of them", () => {
  const texts = ["10.0.0.9", "::1", "10.0.0.9", "10.0.0.8", "0:0::1"];
  assertEquals(distinctAddresses(texts.map(parseAddress)).map(formatAddress), [
    "10.0.0.9",
    "::1",
    "10.0.0.8",
  ]);
});

Deno.test("isBetween: the ends count, the other family does not", () => {
  const [first, last] = [parseAddress("10.0.0.5"), parseAddress("10.0.0.7")];
  const rows = [
    ["10.0.0.4", false],
    ["10.0.0.5", true],
    ["10.0.0.7", true],
    ["10.0.0.8", false],
    ["::a00:6", false],
  ] as const;
  for (const [text, expected] of rows) {
    assertEquals(isBetween(parseAddress(text), first, last), expected, text);
  }
});

Deno.test("addOffset: carries over byte borders", () => {
  assertEquals(formatAddress(addOffset(parseAddress("10.0.0.255"), 1n)), "10.0.1.0");
  assertEquals(formatAddress(addOffset(parseAddress("fd00::1:0"), -1n)), "fd00::ffff");
});
