import { assertEquals, assertThrows } from "@std/assert";
import { WireWriter } from "./attribute.ts";
import {
  encodeMessage,
  NLM_F_ACK,
  NLM_F_REQUEST,
  NLMSG_ERROR,
  parseAcknowledgement,
  parseMessages,
} from "./message.ts";

Deno.test("encodeMessage: header with length, type, flags and sequence, padded", () => {
  const body = Uint8Array.of(1, 2, 3);
  const bytes = encodeMessage({ type: 16, flags: NLM_F_REQUEST | NLM_F_ACK, body }, 7);
  assertEquals([...bytes], [19, 0, 0, 0, 16, 0, 5, 0, 7, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 0]);
});

Deno.test("parseMessages: splits a datagram of several messages", () => {
  const one = encodeMessage({ type: 16, flags: 2, body: Uint8Array.of(1) }, 1);
  const two = encodeMessage({ type: 17, flags: 2, body: Uint8Array.of(2, 3, 4, 5) }, 2);
  const messages = parseMessages(Uint8Array.from([...one, ...two]));
  assertEquals(messages.map(({ type, sequence, body }) => [type, sequence, [...body]]), [
    [16, 1, [1]],
    [17, 2, [2, 3, 4, 5]],
  ]);
});

Deno.test("parseMessages: refuses a length beyond the end", () => {
  const bytes = encodeMessage({ type: 16, flags: 0, body: new Uint8Array(4) }, 1);
  assertThrows(() => parseMessages(bytes.subarray(0, 18)), RangeError, "at byte 0");
});

/** A `struct nlmsgerr` for a request whose body was `echoed` bytes long. */
function errorBody(errno: number, echoed: number, extended: string | undefined): Uint8Array {
  const writer = new WireWriter().u32(-errno >>> 0).u32(16 + echoed).u16(16).u16(5).u32(9).u32(0)
    .bytes(new Uint8Array((echoed + 3) & ~3));
  return (extended === undefined ? writer : writer.attributeString(1, extended)).finish();
}

Deno.test("parseAcknowledgement: errno and the kernel's own words, capped or not", () => {
  const message = { type: NLMSG_ERROR, sequence: 9 };
  assertEquals(
    parseAcknowledgement({ ...message, flags: 0, body: errorBody(17, 4, undefined) }),
    { errno: 17 },
  );
  const text = "Device is busy";
  assertEquals(
    parseAcknowledgement({ ...message, flags: 0x200, body: errorBody(16, 5, text) }),
    { errno: 16, text },
  );
  const capped = new WireWriter().u32(-16 >>> 0).u32(400).u16(16).u16(5).u32(9).u32(0)
    .attributeString(1, text).finish();
  assertEquals(parseAcknowledgement({ ...message, flags: 0x300, body: capped }), {
    errno: 16,
    text,
  });
});
