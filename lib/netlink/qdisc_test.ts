import { assertEquals, assertThrows } from "@std/assert";
import { seededRandom } from "../../tests/fakes/seeded_random.ts";
import { queueLimitBytes } from "../net/rate.ts";
import { WireWriter } from "../wire/attribute.ts";
import { encodeMessage } from "../wire/message.ts";
import { addIngress, decodeBucket, getRootQdisc, setBucket } from "./qdisc.ts";
import type { RouteRequest } from "./rtnetlink.ts";

/**
 * Requests and the messages that tc(8) of iproute2 6.1 sends for the same, but that it sends the
 * burst as a time too, and a table of times that belongs to that; sequence number 7.
 */
const MESSAGES: readonly [string, RouteRequest, string][] = [
  [
    "setBucket: tc qdisc replace dev <3> root handle 1: tbf rate 125000bps burst 20000",
    setBucket(3, { bytesPerSecond: 125_000, burstBytes: 20_000 }),
    `60000000 24000505 07000000 00000000 00000000 03000000 00000100 ffffffff 00000000
     08000100 74626600 34000280 28000100 00010000 00000000 48e80100
     00000000 00000000 00000000 555a0000 00000000 00000000 08000600 204e0000`,
  ],
  [
    "setBucket: a rate beyond 32 bits has an attribute of its own",
    setBucket(3, { bytesPerSecond: 5e9, burstBytes: 536_870_911 }),
    `6c000000 24000505 07000000 00000000 00000000 03000000 00000100 ffffffff 00000000
     08000100 74626600 40000280 28000100 00010000 00000000 ffffffff
     00000000 00000000 00000000 3f597327 00000000 00000000 08000600 ffffff1f
     0c000400 00f2052a 01000000`,
  ],
  [
    "addIngress: tc qdisc replace dev <3> ingress",
    addIngress(3),
    `30000000 24000505 07000000 00000000 00000000 03000000 0000ffff f1ffffff 00000000
     0c000100 696e6772 65737300`,
  ],
  [
    "getRootQdisc: of one link, with an answer",
    getRootQdisc(3),
    "24000000 26000d00 07000000 00000000 00000000 03000000 00000000 ffffffff 00000000",
  ],
];

for (const [name, request, expected] of MESSAGES) {
  Deno.test(name, () => {
    assertEquals(encodeMessage(request, 7).toHex(), expected.replaceAll(/\s/g, ""));
  });
}

Deno.test("setBucket, decodeBucket: what is set is what is read", () => {
  const { random, seed } = seededRandom();
  const largest = [2 ** 32 - 2, 2 ** 32 - 1, 2 ** 32, 125e12];
  const rates = [...largest, ...Array.from({ length: 200 }, () => 1 + random(2 ** 31) * 5)];
  for (const bytesPerSecond of rates) {
    const rate = { bytesPerSecond, burstBytes: 1 + random(2 ** 31) };
    const { body } = setBucket(3, rate);
    const wanted = { bytesPerSecond, limitBytes: queueLimitBytes(rate) };
    assertEquals(decodeBucket({ type: 36, flags: 0, sequence: 7, body }), wanted, `seed ${seed}`);
  }
});

Deno.test("decodeBucket: knows no other kind, and refuses what is cut short", () => {
  const decode = (body: Uint8Array) => decodeBucket({ type: 36, flags: 0, sequence: 7, body });
  assertEquals(decode(addIngress(3).body), undefined);
  assertEquals(decode(new WireWriter().bytes(new Uint8Array(20)).finish()), undefined);
  const short = new WireWriter().bytes(new Uint8Array(20)).attributeString(1, "tbf")
    .nested(2, (options) => options.attribute(1, new Uint8Array(8))).finish();
  assertThrows(() => decode(short), RangeError);
  assertThrows(() => decode(setBucket(3, { bytesPerSecond: 1, burstBytes: 1 }).body.slice(0, 50)));
});
