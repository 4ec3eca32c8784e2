import { assertEquals } from "@std/assert";
import { seededRandom } from "../../tests/fakes/seeded_random.ts";
import { addressFromBytes, type Family } from "../net/address.ts";
import { networkOf, parsePrefix } from "../net/prefix.ts";
import type { KernelRule, Rule } from "../net/rule.ts";
import { encodeMessage } from "../wire/message.ts";
import type { RouteRequest } from "./rtnetlink.ts";
import { addRule, decodeRule, listRules, removeRule } from "./rule.ts";

const RULE: Rule = { family: 4, priority: 5200, to: parsePrefix("10.9.0.0/16"), table: 254 };

/**
 * Requests and the messages that ip(8) of iproute2 6.1 sends for the same, but for the order of
 * attributes and our protocol; sequence number 7.
 */
const MESSAGES: readonly [string, RouteRequest, string][] = [
  [
    "addRule: ip rule add priority 5200 to 10.9.0.0/16 lookup 254",
    addRule(RULE),
    `34000000 20000506 07000000 00000000 02100000 fe000001 00000000
     08000100 0a090000 08000600 50140000 05001500 48000000`,
  ],
  [
    "removeRule: ip -6 rule delete priority 9 from fd09::/32 lookup 70000",
    removeRule({ family: 6, priority: 9, from: parsePrefix("fd09::/32"), table: 70000 }),
    `40000000 21000500 07000000 00000000 0a002000 00000001 00000000
     14000200 fd090000 00000000 00000000 00000000 08000600 09000000 08000f00 70110100`,
  ],
  [
    "listRules: ip -6 rule show",
    listRules(6),
    `1c000000 22000103 07000000 00000000 0a000000 00000000 00000000`,
  ],
];

for (const [name, request, expected] of MESSAGES) {
  Deno.test(name, () => {
    assertEquals(encodeMessage(request, 7).toHex(), expected.replaceAll(/\s/g, ""));
  });
}

/** `struct fib_rule_hdr` with attributes, and what it is to us. */
const DECODED: readonly [string, string, KernelRule | undefined][] = [
  [
    "the rule for local addresses, without a priority",
    "02000000 ff000001 00000000 08000f00 ff000000 08000e00 ffffffff",
    { family: 4, priority: 0, table: 255, protocol: 0 },
  ],
  ["a firewall mark", "02000000 34000001 00000000 08000a00 00000800", undefined],
  ["an interface", "02000000 34000001 00000000 07000300 6c6f0000", undefined],
  ["an inversion", "02000000 34000001 02000000", undefined],
  ["a type of service", "02000010 34000001 00000000", undefined],
  ["a suppressed prefix length", "02000000 34000001 00000000 08000e00 00000000", undefined],
  ["an action that looks up no table", "02000000 00000007 00000000", undefined],
  ["a protocol that is not IP", "80000000 34000001 00000000", undefined],
];

for (const [name, hex, expected] of DECODED) {
  Deno.test(`decodeRule: ${name}`, () => {
    const body = Uint8Array.fromHex(hex.replaceAll(" ", ""));
    assertEquals(decodeRule({ type: 32, flags: 0, sequence: 7, body }), expected);
  });
}

Deno.test("addRule, decodeRule: what is added is what is read", () => {
  const { random, seed } = seededRandom();
  for (let round = 0; round < 500; round++) {
    const family: Family = random(2) ? 4 : 6;
    const bytes = family === 4 ? 4 : 16;
    const prefix = () =>
      networkOf({
        address: addressFromBytes(Uint8Array.from({ length: bytes }, () => random(256))),
        length: random(bytes * 8 + 1),
      });
    const rule: Rule = {
      family,
      priority: random(32766),
      table: 1 + random(1e6),
      ...random(2) === 1 && { from: prefix() },
      ...random(2) === 1 && { to: prefix() },
    };
    const { body } = addRule(rule);
    const decoded = decodeRule({ type: 32, flags: 0, sequence: 7, body });
    assertEquals(decoded, { ...rule, protocol: 72 }, `seed ${seed}`);
  }
});
