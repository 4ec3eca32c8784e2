import { assertEquals } from "@std/assert";
import { parsePrefix } from "../net/prefix.ts";
import type { Request } from "../wire/message.ts";
import {
  addChain,
  addElements,
  addRule,
  addSet,
  addTable,
  type Change,
  encodeTransaction,
  removeElements,
  removeRule,
  removeTable,
} from "./change.ts";
import { intervalOf } from "./interval.ts";
import { masquerade, matchAddress, matchFamily } from "./statement.ts";
import type { Chain, IntervalSet } from "./table.ts";

const SET4: IntervalSet = { name: "masquerade4", family: 4, intervals: [] };
const SET6: IntervalSet = { name: "masquerade6", family: 6, intervals: [] };
const CHAIN: Chain = {
  name: "postrouting",
  type: "nat",
  hook: "postrouting",
  priority: 100,
  rules: [],
};
const NET4 = intervalOf(parsePrefix("10.244.1.0/24"));
const ALL6 = intervalOf(parsePrefix("ff00::/8"));

/** Attribute 1 of all requests, the table's name. */
const TABLE = "0c000100 68656164636e6900";
const SET = "10000200 6d6173717565726164653400";

/**
 * Requests as nft(8) 1.0.6 sends them (`strace -e trace=sendmsg -e write=all nft -f`), but for
 * what it leaves to itself: set userdata and ids, open-interval marks.
 */
const REQUESTS: [Change, string, type: number, flags: number, attributes: string][] = [
  [addTable(), "add table inet headcni", 0xa00, 0x401, `${TABLE} 08000200 00000000`],
  [removeTable(), "delete table inet headcni", 0xa02, 0x001, TABLE],
  [
    addSet(SET4),
    "add set inet headcni masquerade4 { type ipv4_addr; flags interval; }",
    0xa09,
    0x401,
    `${TABLE} ${SET} 08000300 00000004 08000400 00000007 08000500 00000004 08000a00 00000001`,
  ],
  [
    addSet(SET6),
    "add set inet headcni masquerade6 { type ipv6_addr; flags interval; }",
    0xa09,
    0x401,
    `${TABLE} 10000200 6d6173717565726164653600
      08000300 00000004 08000400 00000008 08000500 00000010 08000a00 00000001`,
  ],
  [
    addElements(SET4, [NET4]),
    "add element inet headcni masquerade4 { 10.244.1.0/24 }",
    0xa0c,
    0x401,
    `${TABLE} ${SET} 2c000380
      10000180 0c000180 08000100 0af40100
      18000180 08000300 00000001 0c000180 08000100 0af40200`,
  ],
  [
    removeElements(SET4, [NET4]),
    "delete element inet headcni masquerade4 { 10.244.1.0/24 }",
    0xa0e,
    0x001,
    `${TABLE} ${SET} 2c000380
      10000180 0c000180 08000100 0af40100
      18000180 08000300 00000001 0c000180 08000100 0af40200`,
  ],
  [
    addElements(SET6, [ALL6]),
    "add element inet headcni masquerade6 { ff00::/8 }",
    0xa0c,
    0x401,
    `${TABLE} 10000200 6d6173717565726164653600 20000380
      1c000180 18000180 14000100 ff000000000000000000000000000000`,
  ],
  [
    addChain(CHAIN),
    "add chain inet headcni postrouting " +
    "{ type nat hook postrouting priority 100; policy accept; }",
    0xa03,
    0x401,
    `${TABLE} 10000300 706f7374726f7574696e6700 08000700 6e617400 08000500 00000001
      14000480 08000100 00000004 08000200 00000064`,
  ],
  [
    removeRule(CHAIN, 4n),
    "delete rule inet headcni postrouting handle 4",
    0xa08,
    0x001,
    `${TABLE} 10000200 706f7374726f7574696e6700 0c000300 0000000000000004`,
  ],
];

Deno.test("changes: nft(8)'s words and nft(8)'s bytes", () => {
  for (const [change, text, type, flags, attributes] of REQUESTS) {
    assertEquals(change.text, text);
    const [, request] = encodeTransaction([change]);
    assertEquals(describe(request), describe({ type, flags, body: inet(attributes) }), text);
  }
});

Deno.test("addRule: nft(8)'s words, expressions in its order, comment as userdata", () => {
  const rule = {
    comment: "c4",
    statements: [
      matchFamily(4),
      matchAddress(4, "saddr", "==", "masquerade4"),
      matchAddress(4, "daddr", "!=", "masquerade4"),
      masquerade(),
    ],
  };
  const change = addRule(CHAIN, rule);
  assertEquals(
    change.text,
    "add rule inet headcni postrouting meta nfproto ipv4 ip saddr @masquerade4 " +
      'ip daddr != @masquerade4 masquerade fully-random comment "c4"',
  );
  const [, request] = encodeTransaction([change]);
  // nft(8) names sets by id too, and leaves flags out of the first lookup, where they are 0.
  const attributes = `${TABLE} 10000200 706f7374726f7574696e6700 40010480
    24000180 09000100 6d65746100000000 14000280 08000200 0000000f 08000100 00000001
    2c000180 08000100 636d7000 20000280
      08000100 00000001 08000200 00000000 0c000380 0500010002000000
    34000180 0c000100 7061796c6f616400 24000280
      08000100 00000001 08000200 00000001 08000300 0000000c 08000400 00000004
    34000180 0b000100 6c6f6f6b75700000 24000280
      08000200 00000001 10000100 6d6173717565726164653400 08000500 00000000
    34000180 0c000100 7061796c6f616400 24000280
      08000100 00000001 08000200 00000001 08000300 00000010 08000400 00000004
    34000180 0b000100 6c6f6f6b75700000 24000280
      08000200 00000001 10000100 6d6173717565726164653400 08000500 00000001
    1c000180 09000100 6d61737100000000 0c000280 08000100 00000010
    09000700 0003633400000000`;
  assertEquals(describe(request), describe({ type: 0xa06, flags: 0xc01, body: inet(attributes) }));
});

Deno.test("matchAddress: IPv6 addresses lie elsewhere in the header", () => {
  const offsets = (["saddr", "daddr"] as const).map((field) => {
    const [payload] = matchAddress(6, field, "==", "s").expressions;
    return payload?.data.slice(2);
  });
  assertEquals(offsets, [[[3, 8], [4, 16]], [[3, 24], [4, 16]]]);
});

Deno.test("encodeTransaction: brackets of nfnetlink, the first with the generation", () => {
  const [begin, change, end] = encodeTransaction([addTable()], 7);
  assertEquals(describe(begin), "type 10 flags 1 0000000a0800010000000007");
  assertEquals(change?.type, 0xa00);
  assertEquals(describe(end), "type 11 flags 1 0000000a");
  assertEquals(describe(encodeTransaction([])[0]), "type 10 flags 1 0000000a");
});

/** A body with the header of family `inet`. */
function inet(attributes: string): Uint8Array {
  return Uint8Array.fromHex("01000000" + attributes.replaceAll(/\s/g, ""));
}

function describe(request: Request | undefined): string {
  if (!request) return "nothing";
  const { type, flags, body } = request;
  return `type ${type.toString(16)} flags ${flags.toString(16)} ${body.toHex()}`;
}
