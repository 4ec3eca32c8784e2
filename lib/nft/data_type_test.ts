import { assertEquals, assertThrows } from "@std/assert";
import {
  type DataType,
  joinParts,
  splitParts,
  typeBytes,
  typeNumber,
  typeText,
} from "./data_type.ts";

Deno.test("types: names, numbers and lengths of nft(8)", () => {
  // Numbers as nft(8) 1.0.6 sends them (`strace -e trace=sendmsg`).
  const cases: [DataType[], string, number, number][] = [
    [["ipv4_addr"], "ipv4_addr", 7, 4],
    [["inet_proto", "inet_service"], "inet_proto . inet_service", 0x30d, 8],
    [["ipv4_addr", "inet_service"], "ipv4_addr . inet_service", 0x1cd, 8],
    [["ipv6_addr", "inet_service"], "ipv6_addr . inet_service", 0x20d, 20],
    [
      ["ipv6_addr", "inet_proto", "inet_service"],
      "ipv6_addr . inet_proto . inet_service",
      0x830d,
      24,
    ],
  ];
  for (const [types, text, number, bytes] of cases) {
    assertEquals([typeText(types), typeNumber(types), typeBytes(types)], [text, number, bytes]);
  }
});

Deno.test("joinParts, splitParts: each part fills whole registers", () => {
  const parts = [Uint8Array.of(6), Uint8Array.of(0x1f, 0x90), Uint8Array.of(10, 1, 0, 5)];
  const joined = joinParts(parts);
  assertEquals(joined.toHex(), "060000001f9000000a010005");
  const types: DataType[] = ["inet_proto", "inet_service", "ipv4_addr"];
  assertEquals(splitParts(types, joined), parts);
  assertThrows(() => splitParts(types, joined.subarray(4)), RangeError, "from 8 bytes");
});
