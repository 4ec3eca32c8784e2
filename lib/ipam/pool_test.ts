import { assertEquals, assertThrows } from "@std/assert";
import { formatSpan } from "../../tests/fakes/format_span.ts";
import { ConfigError } from "../errors.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import { claimableIntervals, findInterval } from "./interval.ts";
import { type AddressPool, parsePools } from "./pool.ts";
import { formatRangeSet } from "./range.ts";

/** A section and the text that it is refused with. */
const REFUSED: readonly [Record<string, unknown>, string][] = [
  [
    { subnet: "10.0.0.0/30", rangeStart: "10.0.0.3", rangeEnd: "10.0.0.3" },
    "range set 0 has no address for pods: nothing is left of 10.0.0.3-10.0.0.3 without gateways, " +
    'network, broadcast and "exclude"',
  ],
  [
    { ranges: [[{ subnet: "10.0.0.0/30" }], [{ subnet: "fd00::/126" }]], exclude: ["fd00::/64"] },
    "range set 1 has no address for pods: nothing is left of fd00::1-fd00::3 without gateways, " +
    'network, broadcast and "exclude"',
  ],
  [
    { subnet: "10.0.0.0/31" },
    "invalid range set 0: Network 10.0.0.0/31 too small to allocate from",
  ],
  [
    {
      subnet: "10.0.0.0/31",
      pools: [
        { name: "a" },
        { name: "default", subnet: "10.1.0.0/24" },
        { name: "a", subnet: "10.1.0.0/24" },
        { name: "b", rangeStart: "10.1.0.9", gateway: "10.1.0.8", ranges: [[]] },
        { name: "c", subnet: "10.1.0.0/24", exclude: ["10.0.0.0/8"] },
      ],
    },
    'Cannot use ipam of network "pods": ' +
    'pools.0: "subnet" or "ranges" wanted; ' +
    'pools.1.name: another name wanted than "default"; ' +
    'pools.2.name: another name wanted than "a"; ' +
    'pools.3.rangeStart: "subnet" wanted beside it; ' +
    'pools.3.gateway: "subnet" wanted beside it; ' +
    "invalid range set 0: Network 10.0.0.0/31 too small to allocate from; " +
    "pools.3: invalid range set 0: empty range set; " +
    "pools.4: range set 0 has no address for pods: nothing is left of 10.1.0.1-10.1.0.254 " +
    'without gateways, network, broadcast and "exclude"',
  ],
  [
    { ranges: [[{ subnet: "10.0.0.0/24" }]], gateway: "10.0.0.254" },
    'Cannot use ipam of network "pods": gateway: "subnet" wanted beside it',
  ],
];

for (const [ipam, want] of REFUSED) {
  Deno.test(`parsePools: refuses ${JSON.stringify(ipam)}`, () => {
    const error = assertThrows(() => parsePools("pods", ipam), ConfigError);
    assertEquals([error.reason, error.message], ["invalid-config", want]);
  });
}

Deno.test("parsePools: the default pool comes first, and only if it has ranges", () => {
  const pools = [{ name: "b", namespaces: ["x"], subnet: "10.1.0.0/24" }];
  const names = (ipam: unknown) =>
    parsePools("pods", ipam).map(({ name, namespaces, rangeSets }) =>
      `${name} [${namespaces}] ${rangeSets.map(formatRangeSet)}`
    );
  const b = "b [x] 10.1.0.1-10.1.0.254";
  assertEquals(names({ pools }), [b]);
  assertEquals(names({ pools, subnet: "10.0.0.0/24" }), ["default [] 10.0.0.1-10.0.0.254", b]);
  assertEquals(names({}), []);
});

Deno.test("parsePools: exclude and reserved of the section hold everywhere, others in their pool", () => {
  const keys = (last: number) => ({ exclude: [`10.0.0.${last}`], reserved: [`10.0.1.${last}`] });
  const pools = parsePools("pods", {
    ...keys(10),
    ranges: [[{ subnet: "10.0.0.0/16", gateway: "10.0.9.1", ...keys(11) }]],
    pools: [{
      name: "b",
      ...keys(12),
      ranges: [[{ subnet: "10.0.0.0/24", ...keys(13) }], [{ subnet: "10.0.1.0/24", ...keys(14) }]],
    }],
  });
  const gateways = ["10.0.9.1", "10.0.0.1", "10.0.1.1"];
  assertEquals(pools.map(({ excluded }) => excluded.map(formatSpan)), [
    ["10.0.0.10", "10.0.0.11", ...gateways],
    ["10.0.0.10", "10.0.0.12", "10.0.0.13", "10.0.0.14", ...gateways],
  ]);
  assertEquals(pools.map(({ reserved }) => reserved.map(formatSpan)), [
    ["10.0.1.10", "10.0.1.11"],
    ["10.0.1.10", "10.0.1.12", "10.0.1.13", "10.0.1.14"],
  ]);
});

Deno.test("parsePools: no pool gives the gateway of another one", () => {
  const pools = parsePools("pods", {
    subnet: "10.0.0.0/16",
    pools: [{ name: "b", subnet: "10.0.7.0/24" }, {
      name: "c",
      subnet: "10.0.0.0/24",
      gateway: "10.0.7.9",
    }],
  });
  for (const gateway of pools.flatMap(({ rangeSets }) => rangeSets.flat()).map((r) => r.gateway)) {
    assertEquals(pools.filter((pool) => isClaimable(pool, formatAddress(gateway))), []);
  }
  assertEquals(pools.filter((pool) => isClaimable(pool, "10.0.7.8")).map(({ name }) => name), [
    "default",
    "b",
  ]);
});

function isClaimable(pool: AddressPool, address: string): boolean {
  return pool.rangeSets.some((set) =>
    findInterval(claimableIntervals(pool, set), parseAddress(address)) !== undefined
  );
}
