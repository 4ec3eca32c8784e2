import { assertEquals } from "@std/assert";
import { type Change, encodeTransaction } from "./change.ts";
import {
  addMap,
  createElement,
  deleteElement,
  type NewElement,
  type PacketMap,
  parseMapElements,
  queryElement,
} from "./map.ts";
import { nftRequest } from "./request.ts";

const MAP: PacketMap = {
  name: "hostports4",
  key: ["inet_proto", "inet_service"],
  value: ["ipv4_addr", "inet_service"],
};
const ELEMENT: NewElement = {
  key: Uint8Array.fromHex("060000001f900000"),
  value: Uint8Array.fromHex("0a01000500500000"),
  comment: "veth1234",
  text: { key: "tcp . 8080", value: "10.1.0.5 . 80" },
};

/** Attributes 1 and 2 of all requests, the names of table and map. */
const NAMES = "0c000100 68656164636e6900 0f000200 686f7374706f7274733400 00";
const KEY = "10000180 0c000100 060000001f900000";
const VALUE = "10000280 0c000100 0a01000500500000";
const COMMENT = "0f000600 0009 766574683132333400 00";

/** As nft(8) 1.0.6 sends them, but for what it leaves to itself: set userdata and ids. */
const REQUESTS: [Change, string, type: number, flags: number, attributes: string][] = [
  [
    addMap(MAP),
    "add map inet headcni hostports4 " +
    "{ type inet_proto . inet_service : ipv4_addr . inet_service; }",
    0xa09,
    0x401,
    `${NAMES} 08000300 00000008 08000400 0000030d 08000500 00000008
      08000600 000001cd 08000700 00000008 08000a00 00000001`,
  ],
  [
    createElement(MAP, ELEMENT),
    "create element inet headcni hostports4 " +
    '{ tcp . 8080 comment "veth1234" : 10.1.0.5 . 80 }',
    0xa0c,
    0x601,
    `${NAMES} 38000380 34000180 ${KEY} ${VALUE} ${COMMENT}`,
  ],
  [
    deleteElement(MAP, ELEMENT),
    "delete element inet headcni hostports4 { tcp . 8080 }",
    0xa0e,
    0x001,
    `${NAMES} 18000380 14000180 ${KEY}`,
  ],
];

Deno.test("changes of maps: nft(8)'s words and nft(8)'s bytes", () => {
  for (const [change, text, type, flags, attributes] of REQUESTS) {
    assertEquals(change.text, text);
    const [, request] = encodeTransaction([change]);
    assertEquals([request?.type, request?.flags], [type, flags], text);
    assertEquals(request?.body.toHex(), hex(`01000000 ${attributes}`), text);
  }
});

Deno.test("queryElement: asks for one, not for all", () => {
  const { call, flags, attributes } = queryElement(MAP, ELEMENT);
  const request = nftRequest(call, flags, attributes);
  assertEquals([request.type, request.flags], [0xa0d, 0x005]);
  assertEquals(request.body.toHex(), hex(`01000000 ${NAMES} 18000380 14000180 ${KEY}`));
});

Deno.test("parseMapElements: reads what createElement writes, several to a message", () => {
  const message = (attributes: string) => ({
    ...{ type: 0xa0c, flags: 0, sequence: 1 },
    body: Uint8Array.fromHex(hex(`01000000 ${attributes}`)),
  });
  const { key, value, comment } = ELEMENT;
  const full = `34000180 ${KEY} ${VALUE} ${COMMENT}`;
  const bare = `24000180 ${KEY} ${VALUE}`;
  const messages = [message(`${NAMES} 5c000380 ${full} ${bare}`), message(NAMES)];
  assertEquals(parseMapElements(messages), [
    { key, value, comment },
    { key, value, comment: "" },
  ]);
});

function hex(text: string): string {
  return text.replaceAll(/\s/g, "");
}
