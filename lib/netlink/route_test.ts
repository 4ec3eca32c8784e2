import { assertEquals } from "@std/assert";
import { seededRandom } from "../../tests/fakes/seeded_random.ts";
import { addressFromBytes, parseAddress } from "../net/address.ts";
import { networkOf, parsePrefix } from "../net/prefix.ts";
import type { KernelRoute } from "../net/route.ts";
import { encodeMessage } from "../wire/message.ts";
import {
  addRoute,
  decodeRoute,
  type IndexedRoute,
  isSameRoute,
  listRoutes,
  lookUpRoute,
  removeRoute,
} from "./route.ts";
import type { RouteRequest } from "./rtnetlink.ts";

/** By a gateway that no prefix covers, with an MTU. */
const ONLINK: IndexedRoute = {
  destination: parsePrefix("10.10.0.0/16"),
  gateway: parseAddress("172.30.0.1"),
  linkIndex: 2,
  onlink: true,
  mtuBytes: 1300,
};

/**
 * Requests and the messages that ip(8) of iproute2 6.1 sends for the same, but for the order of
 * attributes, our protocol, and the nested flag of the metrics; sequence number 7.
 */
const MESSAGES: readonly [string, RouteRequest, string][] = [
  [
    "addRoute: ip route add 10.10.0.0/16 via 172.30.0.1 dev <2> onlink mtu 1300",
    addRoute(ONLINK),
    `40000000 18000506 07000000 00000000 02100000 fe480001 04000000
     08000100 0a0a0000 08000500 ac1e0001 08000400 02000000 0c000880 08000200 14050000`,
  ],
  [
    "addRoute: ip route add 10.9.7.1/32 dev <2>",
    addRoute({ destination: parsePrefix("10.9.7.1/32"), linkIndex: 2 }),
    `2c000000 18000506 07000000 00000000 02200000 fe48fd01 00000000
     08000100 0a090701 08000400 02000000`,
  ],
  [
    "addRoute: ip route add default via fd09::1 dev <2> metric 500 src fd09::2 advmss 1200",
    addRoute({
      destination: parsePrefix("::/0"),
      gateway: parseAddress("fd09::1"),
      linkIndex: 2,
      priority: 500,
      source: parseAddress("fd09::2"),
      advmssBytes: 1200,
    }),
    `60000000 18000506 07000000 00000000 0a000000 fe480001 00000000
     14000500 fd090000 00000000 00000000 00000001 08000400 02000000 08000600 f4010000
     14000700 fd090000 00000000 00000000 00000002 0c000880 08000800 b0040000`,
  ],
  [
    "addRoute: ip route add unreachable fd15::/32 table 70000",
    addRoute({ destination: parsePrefix("fd15::/32"), unreachable: true, table: 70000 }),
    `38000000 18000506 07000000 00000000 0a200000 00480007 00000000
     14000100 fd150000 00000000 00000000 00000000 08000f00 70110100`,
  ],
  [
    "removeRoute: ip route delete 10.10.0.0/16 via 172.30.0.1 dev <2> onlink",
    removeRoute(ONLINK),
    `34000000 19000500 07000000 00000000 02100000 fe00ff00 04000000
     08000100 0a0a0000 08000500 ac1e0001 08000400 02000000`,
  ],
  [
    "listRoutes: by one link",
    listRoutes(2),
    `24000000 1a000103 07000000 00000000 00000000 00000000 00000000 08000400 02000000`,
  ],
  [
    "lookUpRoute: ip route get 192.0.2.1",
    lookUpRoute(parseAddress("192.0.2.1")),
    `24000000 1a000500 07000000 00000000 02200000 00000000 00000000 08000100 c0000201`,
  ],
];

for (const [name, request, expected] of MESSAGES) {
  Deno.test(name, () => {
    assertEquals(encodeMessage(request, 7).toHex(), expected.replaceAll(/\s/g, ""));
  });
}

Deno.test("decodeRoute: leaves out what is not IP", () => {
  const body = Uint8Array.fromHex("1c1000000048fd0100000000");
  assertEquals(decodeRoute({ type: 24, flags: 0, sequence: 7, body }), undefined);
});

const PRESENT: KernelRoute = {
  destination: parsePrefix("fd20::/32"),
  gateway: parseAddress("fd09::1"),
  linkIndex: 2,
  onlink: false,
  priority: 1024,
  table: 254,
  scope: 0,
  protocol: 3,
  routeType: 1,
};
const WANTED: IndexedRoute = {
  destination: PRESENT.destination,
  gateway: parseAddress("fd09::1"),
  linkIndex: 2,
};

/** What is changed of the wanted route, and whether the present one still does the same. */
const SAMENESS: readonly [string, Partial<IndexedRoute>, boolean][] = [
  ["nothing", {}, true],
  ["the same, host bits set", { destination: parsePrefix("fd20::1/32") }, true],
  ["the default priority", { priority: 1024 }, true],
  ["the default table", { table: 254 }, true],
  ["a scope, which IPv6 has not", { scope: 253 }, true],
  ["another destination", { destination: parsePrefix("fd20::/33") }, false],
  ["another gateway", { gateway: parseAddress("fd09::9") }, false],
  ["another link", { linkIndex: 3 }, false],
  ["another priority", { priority: 1 }, false],
  ["another table", { table: 52 }, false],
  ["a source", { source: parseAddress("fd09::2") }, false],
  ["an MTU", { mtuBytes: 1300 }, false],
  ["a segment size", { advmssBytes: 1300 }, false],
  ["on link", { onlink: true }, false],
  ["unreachable", { unreachable: true }, false],
];

for (const [name, change, same] of SAMENESS) {
  Deno.test(`isSameRoute: ${name}`, () => {
    assertEquals(isSameRoute({ ...WANTED, ...change }, PRESENT), same);
  });
}

Deno.test("addRoute, decodeRoute: what is added is what is read", () => {
  const { random, seed } = seededRandom();
  for (let round = 0; round < 500; round++) {
    const bytes = random(2) ? 4 : 16;
    const address = () => addressFromBytes(Uint8Array.from({ length: bytes }, () => random(256)));
    const wanted = {
      destination: networkOf({ address: address(), length: random(bytes * 8 + 1) }),
      linkIndex: 1 + random(1e6),
      table: 1 + random(1e6),
      priority: 1 + random(1e6),
      onlink: random(2) === 1,
      ...random(2) === 1 && { gateway: address() },
      ...random(2) === 1 && { source: address() },
      ...random(2) === 1 && { mtuBytes: 1280 + random(9000) },
      ...random(2) === 1 && { advmssBytes: 536 + random(9000) },
    };
    const { body } = addRoute(wanted);
    const decoded = decodeRoute({ type: 24, flags: 0, sequence: 7, body });
    const scope = bytes === 16 || "gateway" in wanted ? 0 : 253;
    const expected: KernelRoute = { ...wanted, scope, protocol: 0x48, routeType: 1 };
    assertEquals(decoded, expected, `seed ${seed}`);
    assertEquals(decoded && isSameRoute(wanted, decoded), true, `seed ${seed}`);
  }
});
