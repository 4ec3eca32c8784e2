import { assertEquals, assertThrows } from "@std/assert";
import { parsePrefix } from "../net/prefix.ts";
import type { Message } from "../wire/message.ts";
import { addElements, encodeTransaction } from "./change.ts";
import { formatInterval, intervalOf } from "./interval.ts";
import {
  attributesOf,
  parseElements,
  parseGeneration,
  type Query,
  queryElements,
  queryGeneration,
  queryRules,
} from "./query.ts";
import { nftRequest } from "./request.ts";

Deno.test("queries: one message each, dumps where many answer", () => {
  const table = "0c00010068656164636e6900";
  const cases: [Query, type: number, flags: number, attributes: string][] = [
    [queryGeneration(), 0xa10, 0x005, ""],
    [queryRules("out"), 0xa07, 0x301, `${table}080002006f757400`],
    [queryElements("set"), 0xa0d, 0x301, `${table}0800020073657400`],
  ];
  for (const [{ call, flags, attributes }, type, wireFlags, hex] of cases) {
    const request = nftRequest(call, flags, attributes);
    assertEquals([request.type, request.flags], [type, wireFlags], call);
    assertEquals(request.body.toHex(), `01000000${hex}`, call);
  }
});

Deno.test("parseGeneration: the number, or a fault when there is none", () => {
  // NFTA_GEN_ID 42, then the last writer's pid and name.
  const body = "0000000a080001000000002a080002000000000108000300 6e667400";
  assertEquals(parseGeneration([message(body)]), 42);
  for (const none of [[], [message("0000000a")]]) {
    assertThrows(() => parseGeneration(none), RangeError, "Cannot read the ruleset's generation");
  }
});

Deno.test("parseElements: intervals out of boundaries in any order", () => {
  const begin = (address: string) => `10000180 0c000180 08000100 ${address}`;
  const end = (address: string) => `18000180 0c000180 08000100 ${address} 08000300 00000001`;
  const cases: [string, string[], string[]][] = [
    ["none", [], []],
    ["one", [begin("0a000000"), end("0a000100")], ["10.0.0.0/24"]],
    ["the kernel's order is descending", [
      end("0b000000"),
      begin("0a000000"),
      end("02000000"),
      begin("01000000"),
    ], ["1.0.0.0/8", "10.0.0.0/8"]],
    ["neighbours share a boundary", [
      begin("0a000000"),
      begin("0a000080"),
      end("0a000080"),
      end("0a000100"),
    ], ["10.0.0.0/25", "10.0.0.128/25"]],
    ["up to the last address", [begin("ff000000")], ["255.0.0.0/8"]],
    ["nft(8) puts an end before all", [end("00000000"), begin("0a000000"), end("0b000000")], [
      "10.0.0.0/8",
    ]],
    ["no prefix", [begin("0a000001"), end("0a000003")], ["10.0.0.1-10.0.0.2"]],
  ];
  for (const [name, elements, expected] of cases) {
    const intervals = parseElements(4, [elementsMessage(elements)]);
    assertEquals(intervals.map((interval) => formatInterval(4, interval)), expected, name);
  }
});

Deno.test("parseElements: reads what addElements writes, over several messages", () => {
  for (const family of [4, 6] as const) {
    const prefixes = family === 4
      ? ["10.0.0.0/8", "11.0.0.0/16", "224.0.0.0/3"]
      : ["::/128", "fd00::/48", "fd00:0:1::/48", "ff00::/8"];
    const intervals = prefixes.map((prefix) => intervalOf(parsePrefix(prefix)));
    const set = { name: "set", family, intervals };
    const messages = [intervals.slice(0, 1), intervals.slice(1)].map((part) => {
      const [, request] = encodeTransaction([addElements(set, part)]);
      return { ...message(""), body: request?.body ?? new Uint8Array() };
    });
    assertEquals(parseElements(family, messages), intervals);
  }
});

Deno.test("attributesOf: what follows the nfgenmsg header", () => {
  assertEquals(attributesOf(message("01000000aabb")).toHex(), "aabb");
});

/** An answer to queryElements. */
function elementsMessage(elements: readonly string[]): Message {
  const list = elements.join("").replaceAll(" ", "");
  const length = Uint8Array.of(4 + list.length / 2).toHex();
  return message(`01000000 ${length}000380 ${list}`);
}

function message(hex: string): Message {
  const body = Uint8Array.fromHex(hex.replaceAll(" ", ""));
  return { type: 0, flags: 0, sequence: 1, body };
}
