import { assertEquals } from "@std/assert";
import { encodeEchoRequest, isEchoReply, minimalEchoBytes } from "./icmp_echo.ts";

const MARK = { identifier: 0x1234, sequence: 7 };

Deno.test("encodeEchoRequest: IPv4 with the checksum of RFC 1071, IPv6 without", () => {
  assertEquals(encodeEchoRequest(4, MARK).toHex(), "0800e5c412340007");
  assertEquals(encodeEchoRequest(6, MARK).toHex(), "8000000012340007");
});

Deno.test("encodeEchoRequest: as long as the packet without its IP header", () => {
  assertEquals([minimalEchoBytes(4), minimalEchoBytes(6)], [28, 48]);
  assertEquals(encodeEchoRequest(4, MARK, 1280).length, 1260);
  assertEquals(encodeEchoRequest(6, MARK, 1280).length, 1240);
  // An odd number of bytes is padded for the checksum.
  assertEquals(encodeEchoRequest(4, MARK, 29).toHex(), "0800e5c41234000700");
});

Deno.test("isEchoReply: the same mark, after an IPv4 header of any length", () => {
  const reply = (type: number, bytes: number) => {
    const packet = new Uint8Array(bytes + 8);
    if (bytes > 0) packet[0] = 0x40 | bytes / 4;
    packet.set([type, 0, 0, 0, 0x12, 0x34, 0, 7], bytes);
    return packet;
  };
  assertEquals(isEchoReply(4, reply(0, 20), MARK), true);
  assertEquals(isEchoReply(4, reply(0, 24), MARK), true);
  assertEquals(isEchoReply(6, reply(129, 0), MARK), true);
  assertEquals(isEchoReply(4, reply(8, 20), MARK), false);
  assertEquals(isEchoReply(4, reply(0, 20), { ...MARK, sequence: 8 }), false);
  assertEquals(isEchoReply(4, reply(0, 20).subarray(0, 22), MARK), false);
});
