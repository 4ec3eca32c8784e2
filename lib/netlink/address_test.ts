import { assertEquals } from "@std/assert";
import { seededRandom } from "../../tests/fakes/seeded_random.ts";
import { addressFromBytes } from "../net/address.ts";
import { parsePrefix } from "../net/prefix.ts";
import { encodeMessage } from "../wire/message.ts";
import { addAddress, decodeAddress, listAddresses, removeAddress } from "./address.ts";
import type { RouteRequest } from "./rtnetlink.ts";

/**
 * Requests and the messages that ip(8) of iproute2 6.1 sends for the same, but for our protocol;
 * sequence number 7.
 */
const MESSAGES: readonly [string, RouteRequest, string][] = [
  [
    "addAddress: ip address add 10.9.1.2/24 broadcast + dev <2>",
    addAddress(2, parsePrefix("10.9.1.2/24")),
    `38000000 14000506 07000000 00000000 02180000 02000000
     08000200 0a090102 08000100 0a090102 08000400 0a0901ff 05000b00 48000000`,
  ],
  [
    "addAddress: ip address add 10.9.1.2/31 dev <2>",
    addAddress(2, parsePrefix("10.9.1.2/31")),
    `30000000 14000506 07000000 00000000 021f0000 02000000
     08000200 0a090102 08000100 0a090102 05000b00 48000000`,
  ],
  [
    "addAddress: ip address add fd09::2/64 dev <2> nodad",
    addAddress(2, parsePrefix("fd09::2/64")),
    `48000000 14000506 07000000 00000000 0a400200 02000000
     14000200 fd090000 00000000 00000000 00000002
     14000100 fd090000 00000000 00000000 00000002 05000b00 48000000`,
  ],
  [
    "removeAddress: ip address delete 10.9.1.2/24 dev <2>",
    removeAddress(2, parsePrefix("10.9.1.2/24")),
    `28000000 15000500 07000000 00000000 02180000 02000000
     08000200 0a090102 08000100 0a090102`,
  ],
  [
    "listAddresses: of one link",
    listAddresses(2),
    `18000000 16000103 07000000 00000000 00000000 02000000`,
  ],
];

for (const [name, request, expected] of MESSAGES) {
  Deno.test(name, () => {
    assertEquals(encodeMessage(request, 7).toHex(), expected.replaceAll(/\s/g, ""));
  });
}

/** `struct ifaddrmsg` and attributes as the kernel sends them; whether the address is tentative. */
const TENTATIVE: readonly [string, string, boolean][] = [
  ["permanent", "08000800 80000000", false],
  ["tentative", "08000800 c0000000", true],
  ["failed", "08000800 88000000", true],
  ["permanent without duplicate address detection", "08000800 82000000", false],
];

for (const [name, flags, tentative] of TENTATIVE) {
  Deno.test(`decodeAddress: ${name}`, () => {
    const address = "14000100 fd090000 00000000 00000000 00000002";
    const body = fromHex(`0a4080fd 02000000 ${address} ${flags}`);
    assertEquals(decodeAddress({ type: 20, flags: 0, sequence: 7, body }), {
      linkIndex: 2,
      address: parsePrefix("fd09::2/64"),
      scope: 253,
      tentative,
    });
  });
}

Deno.test("decodeAddress: takes the near end of a point-to-point link", () => {
  const body = fromHex("02200000 02000000 08000100 0a090101 08000200 0a090102");
  const decoded = decodeAddress({ type: 20, flags: 0, sequence: 7, body });
  assertEquals(decoded?.address, parsePrefix("10.9.1.2/32"));
});

Deno.test("decodeAddress: leaves out what is not IP", () => {
  const body = fromHex("1c200000 02000000 08000100 0a090101");
  assertEquals(decodeAddress({ type: 20, flags: 0, sequence: 7, body }), undefined);
});

Deno.test("addAddress, decodeAddress: what is added is what is read", () => {
  const { random, seed } = seededRandom();
  for (let round = 0; round < 500; round++) {
    const bytes = Uint8Array.from({ length: random(2) === 1 ? 4 : 16 }, () => random(256));
    const address = {
      address: addressFromBytes(bytes),
      length: random(bytes.length * 8 + 1),
    };
    const linkIndex = 1 + random(2 ** 31 - 1);
    const { body } = addAddress(linkIndex, address);
    assertEquals(
      decodeAddress({ type: 20, flags: 0, sequence: 7, body }),
      { linkIndex, address, scope: 0, tentative: false, protocol: 72 },
      `seed ${seed}`,
    );
  }
});

/** The bytes of a hexadecimal text with white space. */
function fromHex(text: string): Uint8Array {
  return Uint8Array.fromHex(text.replaceAll(/\s/g, ""));
}
