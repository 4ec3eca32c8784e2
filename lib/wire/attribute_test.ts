import { assertEquals, assertThrows } from "@std/assert";
import {
  cString,
  nestedAttributes,
  NLA_F_NESTED,
  parseAttributeList,
  parseAttributes,
  readString,
  readU32,
  readU32be,
  readU64,
  WireWriter,
} from "./attribute.ts";

Deno.test("WireWriter: attributes have length, type, payload and padding", () => {
  const cases: [string, (writer: WireWriter) => WireWriter, number[]][] = [
    ["u8", (w) => w.attributeU8(1, 0xaa), [5, 0, 1, 0, 0xaa, 0, 0, 0]],
    ["u32", (w) => w.attributeU32(3, 0x01020304), [8, 0, 3, 0, 4, 3, 2, 1]],
    ["u64", (w) => w.attributeU64(4, 0x1020304050607), [
      ...[12, 0, 4, 0],
      ...[7, 6, 5, 4, 3, 2, 1, 0],
    ]],
    ["string", (w) => w.attributeString(5, "lo"), [7, 0, 5, 0, 0x6c, 0x6f, 0, 0]],
    ["empty", (w) => w.attribute(6, new Uint8Array()), [4, 0, 6, 0]],
    [
      "nested",
      (w) => w.nested(7, (inner) => inner.attributeU8(1, 1)),
      [12, 0, 7, 0x80, 5, 0, 1, 0, 1, 0, 0, 0],
    ],
  ];
  for (const [name, write, bytes] of cases) {
    assertEquals([...write(new WireWriter()).finish()], bytes, name);
  }
  assertEquals(NLA_F_NESTED, 0x8000);
});

Deno.test("WireWriter: grows beyond its first buffer", () => {
  const bytes = new WireWriter().u32(5).bytes(new Uint8Array(1000).fill(7)).finish();
  assertEquals(bytes.length, 1004);
  assertEquals(readU32(bytes), 5);
  assertEquals(bytes[1003], 7);
});

Deno.test("WireWriter: numbers that make the buffer grow are not lost", () => {
  const cases: [string, (writer: WireWriter) => WireWriter, number[]][] = [
    ["u8", (w) => w.u8(1), [1]],
    ["u16", (w) => w.u16(0x0102), [2, 1]],
    ["u16be", (w) => w.u16be(0x0102), [1, 2]],
    ["u32", (w) => w.u32(0x01020304), [4, 3, 2, 1]],
  ];
  for (const [name, write, bytes] of cases) {
    const writer = new WireWriter().bytes(new Uint8Array(256));
    assertEquals([...write(writer).finish().subarray(256)], bytes, name);
  }
});

Deno.test("parseAttributeList: strips flags and padding, keeps order and repeats", () => {
  const bytes = new WireWriter()
    .attributeU8(9, 1)
    .nested(4, (inner) => inner.attributeString(1, "x"))
    .attributeU8(9, 2)
    .finish();
  assertEquals(parseAttributeList(bytes).map(({ type }) => type), [9, 4, 9]);
  assertEquals(parseAttributes(bytes).get(9)?.[0], 2);
  assertEquals(readString(nestedAttributes(parseAttributes(bytes), 4).get(1)), "x");
  assertEquals(nestedAttributes(parseAttributes(bytes), 5).size, 0);
});

Deno.test("parseAttributeList: refuses a length beyond the end", () => {
  for (const bytes of [[9, 0, 1, 0, 0], [3, 0, 1, 0]]) {
    assertThrows(() => parseAttributeList(Uint8Array.from(bytes)), RangeError, "at byte 0");
  }
});

Deno.test("readU32, readU32be, readU64, readString: undefined when absent or short", () => {
  assertEquals(readU32(undefined), undefined);
  assertEquals(readU32(Uint8Array.of(1, 2, 3)), undefined);
  assertEquals(readU32be(Uint8Array.of(0, 0, 1, 2)), 258);
  assertEquals(readU64(Uint8Array.of(0, 0, 0, 0, 0, 0, 1)), undefined);
  assertEquals(readU64(Uint8Array.of(1, 0, 0, 0, 2, 0, 0, 0)), 0x2_0000_0001);
  assertEquals(readString(undefined), undefined);
  assertEquals(readString(Uint8Array.of(0x61, 0x62)), "ab");
});

Deno.test("cString: UTF-8 and a closing NUL", () => {
  assertEquals([...cString("a\u00fc")], [0x61, 0xc3, 0xbc, 0]);
  assertEquals([...cString("")], [0]);
});
