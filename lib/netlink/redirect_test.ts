import { assertEquals, assertThrows } from "@std/assert";
import { encodeMessage } from "../wire/message.ts";
import { decodeRedirect, listIngressFilters, redirectAll } from "./redirect.ts";

Deno.test("redirectAll: tc filter replace ... u32 match u32 0 0 action mirred egress redirect", () => {
  const expected = `8c000000 2c000505 07000000 00000000
    00000000 03000000 00080080 0000ffff 00030100 08000100 75333200 60000280
    24000500 01000100 00000000 00000000 00000000 00000000 00000000 00000000 00000000
    38000780 34000180 0b000100 6d697272 65640000 24000280 20000200
    00000000 00000000 04000000 00000000 00000000 01000000 09000000`;
  assertEquals(encodeMessage(redirectAll(3, 9), 7).toHex(), expected.replaceAll(/\s/g, ""));
});

Deno.test("listIngressFilters: of one link", () => {
  const expected =
    "24000000 2e000103 07000000 00000000 00000000 03000000 00000000 0000ffff 00000000";
  assertEquals(encodeMessage(listIngressFilters(3), 7).toHex(), expected.replaceAll(" ", ""));
});

Deno.test("decodeRedirect: the link that gets everything", () => {
  assertEquals(decode(redirectAll(3, 9).body), 9);
  assertEquals(decode(redirectAll(3, 0).body), 0);
});

Deno.test("decodeRedirect: undefined for a filter that does anything else", () => {
  const good = redirectAll(3, 9).body.toHex();
  const others: [what: string, from: string, to: string][] = [
    ["another kind of filter", "75333200", "62706600"],
    ["some packets only", "0000000000000000000000003800", "00000000ffffffff000000003800"],
    ["another action", "6d697272", "67616374"],
    ["a copy", "0100000009000000", "0200000009000000"],
  ];
  for (const [what, from, to] of others) {
    const other = good.replace(from, to);
    assertEquals(other === good, false, what);
    assertEquals(decode(Uint8Array.fromHex(other)), undefined, what);
  }
  assertEquals(decode(redirectAll(3, 9).body.slice(0, 20)), undefined);
  assertThrows(() => decode(redirectAll(3, 9).body.slice(0, -4)), RangeError);
});

function decode(body: Uint8Array): number | undefined {
  return decodeRedirect({ type: 44, flags: 0, sequence: 7, body });
}
