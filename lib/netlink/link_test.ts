import { assertEquals, assertThrows } from "@std/assert";
import { seededRandom } from "../../tests/fakes/seeded_random.ts";
import { WireWriter } from "../wire/attribute.ts";
import { encodeMessage } from "../wire/message.ts";
import {
  addBridge,
  addIfb,
  addVeth,
  decodeLink,
  getLink,
  listLinks,
  removeLink,
  removeLinkGroup,
  setBridgePort,
  setLink,
} from "./link.ts";
import type { RouteRequest } from "./rtnetlink.ts";

const MAC = Uint8Array.fromHex("0a580a090001");

/**
 * Requests and the messages that ip(8) and bridge(8) of iproute2 6.1 send for the same, but for the
 * order of attributes, our link group, IFF_UP at once and the closing NUL of a kind; sequence
 * number 7.
 */
const MESSAGES: readonly [string, RouteRequest, string][] = [
  [
    "addBridge: ip link add br0 mtu 1400 address 0a:58:0a:09:00:01 up type bridge",
    addBridge({ name: "br0", mtuBytes: 1400, mac: MAC }),
    `4c000000 10000506 07000000 00000000 00000000 00000000 01000000 01000000
     08000300 62723000 08000400 78050000 0a000100 0a580a09 00010000
     10001280 0b000100 62726964 67650000`,
  ],
  [
    "addVeth: ip link add veth0 mtu 1380 type veth peer name eth0 netns <fd 4>",
    addVeth({ name: "veth0", mtuBytes: 1380, peer: { name: "eth0", netnsFd: 4 } }),
    `80000000 10000506 07000000 00000000 00000000 00000000 00000000 00000000
     0a000300 76657468 30000000 08000400 64050000 08001b00 494e4348
     44001280 09000100 76657468 00000000 34000280 30000180
     00000000 00000000 00000000 00000000 09000300 65746830 00000000 08000400 64050000
     08001c00 04000000`,
  ],
  [
    "addIfb: ip link add ifb9 mtu 1380 up type ifb",
    addIfb({ name: "ifb9", mtuBytes: 1380 }),
    `48000000 10000506 07000000 00000000 00000000 00000000 01000000 01000000
     09000300 69666239 00000000 08000400 64050000 08001b00 494e4348
     0c001280 08000100 69666200`,
  ],
  [
    "setLink: ip link set veth0 group 2147483651",
    setLink("veth0", { group: 0x80000003 }),
    `34000000 13000500 07000000 00000000 00000000 00000000 00000000 00000000
     0a000300 76657468 30000000 08001b00 03000080`,
  ],
  [
    "removeLinkGroup: ip link delete group 2147483651",
    removeLinkGroup(0x80000003),
    `28000000 11000500 07000000 00000000 00000000 00000000 00000000 00000000 08001b00 03000080`,
  ],
  [
    "setLink: ip link set veth0 up alias new",
    setLink("veth0", { up: true, alias: "new" }),
    `34000000 13000500 07000000 00000000 00000000 00000000 01000000 01000000
     0a000300 76657468 30000000 07001400 6e657700`,
  ],
  [
    "setLink: ip link set veth0 promisc off down nomaster",
    setLink("veth0", { up: false, promiscuous: false, masterIndex: 0 }),
    `34000000 13000500 07000000 00000000 00000000 00000000 00000000 01010000
     0a000300 76657468 30000000 08000a00 00000000`,
  ],
  [
    "setBridgePort: bridge link set dev <4> hairpin on isolated off",
    setBridgePort(4, { hairpin: true, isolated: false }),
    `34000000 13000500 07000000 00000000 07000000 04000000 00000000 00000000
     14000c80 05000400 01000000 05002100 00000000`,
  ],
  [
    "removeLink: ip link delete veth0",
    removeLink("veth0"),
    `2c000000 11000500 07000000 00000000 00000000 00000000 00000000 00000000
     0a000300 76657468 30000000`,
  ],
  [
    "getLink: by name",
    getLink("lo"),
    `30000000 12000500 07000000 00000000 00000000 00000000 00000000 00000000
     07000300 6c6f0000 08001d00 08000000`,
  ],
  [
    "getLink: by index",
    getLink(3),
    `28000000 12000500 07000000 00000000 00000000 03000000 00000000 00000000 08001d00 08000000`,
  ],
  [
    "listLinks: ports of one bridge",
    listLinks(9),
    `30000000 12000103 07000000 00000000 00000000 00000000 00000000 00000000
     08001d00 08000000 08000a00 09000000`,
  ],
];

for (const [name, request, expected] of MESSAGES) {
  Deno.test(name, () => {
    assertEquals(encodeMessage(request, 7).toHex(), expected.replaceAll(/\s/g, ""));
  });
}

Deno.test("decodeLink: reads a bridge port with its flags", () => {
  const body = fromHex(`00000100 03000000 43110100 00000000
    0a000300 76657468 30000000 08000400 64050000 0a000100 0a580a09 00010000
    08000500 02000000 08000a00 09000000 08001b00 494e4348 07001400 6e657700
    30001200 09000100 76657468 00000000 0b000400 62726964 67650000
    14000500 05000400 01000000 05002100 01000000`);
  assertEquals(decodeLink({ type: 16, flags: 0, sequence: 7, body }), {
    index: 3,
    name: "veth0",
    mtuBytes: 1380,
    mac: MAC,
    up: true,
    promiscuous: true,
    carrier: true,
    alias: "new",
    group: 0x48434e49,
    linkKind: "veth",
    masterIndex: 9,
    peerIndex: 2,
    port: { hairpin: true, isolated: true },
  });
});

Deno.test("decodeLink: leaves absent what the kernel did not send", () => {
  const body = fromHex("00000403 01000000 08000000 00000000 07000300 6c6f0000 08000400 00000100");
  assertEquals(decodeLink({ type: 16, flags: 0, sequence: 7, body }), {
    index: 1,
    name: "lo",
    mtuBytes: 65536,
    up: false,
    promiscuous: false,
    carrier: false,
  });
});

Deno.test("decodeLink: refuses a message that is cut short", () => {
  for (const text of ["0000", "00000403 01000000 08000000 00000000 09000300 6c6f0000"]) {
    assertThrows(
      () => decodeLink({ type: 16, flags: 0, sequence: 7, body: fromHex(text) }),
      RangeError,
    );
  }
});

Deno.test("setLink, decodeLink: what is set is what is read", () => {
  const { random, seed } = seededRandom();
  for (let round = 0; round < 500; round++) {
    const name = `x${random(1e6)}`;
    const wanted = {
      up: random(2) === 1,
      promiscuous: random(2) === 1,
      mtuBytes: random(65536),
      mac: Uint8Array.from({ length: 6 }, () => random(256)),
      alias: "a".repeat(1 + random(255)),
      masterIndex: 1 + random(1e6),
      group: 1 + random(2 ** 32 - 1),
    };
    const { body } = setLink(name, wanted);
    const link = decodeLink({ type: 16, flags: 0, sequence: 7, body });
    assertEquals(link, { index: 0, name, carrier: false, ...wanted }, `seed ${seed}`);
  }
});

Deno.test("decodeLink: an attribute that we do not know changes nothing", () => {
  const { body } = setLink("veth0", { up: true });
  const longer = new WireWriter().bytes(body).attributeU32(60, 1).finish();
  const decode = (bytes: Uint8Array) =>
    decodeLink({ type: 16, flags: 0, sequence: 7, body: bytes });
  assertEquals(decode(longer), decode(body));
});

/** The bytes of a hexadecimal text with white space. */
function fromHex(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(/\s/g, ""));
}
