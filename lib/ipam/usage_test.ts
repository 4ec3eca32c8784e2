import { assertEquals } from "@std/assert";
import { AddressMap } from "../../tests/fakes/address_map.ts";
import { addOffset, parseAddress } from "../net/address.ts";
import type { AddressUse } from "./block.ts";
import { parsePools } from "./pool.ts";
import { measureUsage, type PoolUsage, type StoredPage } from "./usage.ts";

interface Case {
  readonly ipam: Record<string, unknown>;
  readonly used?: readonly string[];
  readonly resting?: readonly string[];
  readonly want: PoolUsage;
}

const CASES: Readonly<Record<string, Case>> = {
  "an empty /29": {
    ipam: { subnet: "10.0.0.0/29" },
    want: { total: 5n, used: 0, resting: 0, reserved: 1n, claimed: 0 },
  },
  "used and resting": {
    ipam: { subnet: "10.0.0.0/29" },
    used: ["10.0.0.2", "10.0.0.6"],
    resting: ["10.0.0.3"],
    want: { total: 5n, used: 2, resting: 1, reserved: 1n, claimed: 0 },
  },
  "what is outside of the range is of no pool": {
    ipam: { subnet: "10.0.0.0/24", rangeStart: "10.0.0.10", rangeEnd: "10.0.0.19" },
    used: ["10.0.0.9", "10.0.0.10", "10.0.0.19", "10.0.0.20"],
    resting: ["10.0.0.8", "10.0.0.15", "10.0.0.21"],
    want: { total: 10n, used: 2, resting: 1, reserved: 0n, claimed: 0 },
  },
  "ranges that begin and end inside of pages": {
    ipam: { subnet: "10.0.0.0/16", rangeStart: "10.0.15.255", rangeEnd: "10.0.32.0" },
    used: ["10.0.15.254", "10.0.15.255", "10.0.16.0", "10.0.31.255", "10.0.32.0", "10.0.32.1"],
    want: { total: 4_098n, used: 4, resting: 0, reserved: 0n, claimed: 0 },
  },
  "several ranges in one page, and several sets": {
    ipam: {
      ranges: [[{ subnet: "10.0.0.0/28" }, { subnet: "10.0.0.32/28" }], [{ subnet: "fd00::/120" }]],
    },
    used: ["10.0.0.2", "10.0.0.17", "10.0.0.46", "fd00::ff"],
    resting: ["10.0.0.34", "10.0.0.20"],
    want: { total: 13n + 13n + 254n, used: 3, resting: 1, reserved: 3n, claimed: 0 },
  },
  "addresses of one number in both families": {
    ipam: { ranges: [[{ subnet: "10.0.0.0/28" }], [{ subnet: "::a00:0/124" }]] },
    used: ["10.0.0.2", "::a00:3", "::a00:4"],
    want: { total: 13n + 14n, used: 3, resting: 0, reserved: 2n, claimed: 0 },
  },
  "reserved addresses that pods asked for are counted apart": {
    ipam: { subnet: "10.0.0.0/28", reserved: ["10.0.0.8/30"], exclude: ["10.0.0.3", "10.0.0.9"] },
    used: ["10.0.0.2", "10.0.0.3", "10.0.0.8", "10.0.0.9", "10.0.0.10"],
    want: { total: 8n, used: 1, resting: 0, reserved: 6n, claimed: 2 },
  },
  "a /48 is not walked": {
    ipam: { subnet: "fd00::/48", exclude: ["fd00::/64"] },
    used: ["fd00::9", "fd00:0:0:1::", "fd00::ffff:ffff:ffff:ffff:ffff"],
    want: {
      total: (1n << 80n) - (1n << 64n),
      used: 2,
      resting: 0,
      reserved: (1n << 64n) - 1n,
      claimed: 0,
    },
  },
};

for (const [name, { ipam, used = [], resting = [], want }] of Object.entries(CASES)) {
  Deno.test(`measureUsage: ${name}`, () => {
    const pages = pagesWith({ used, resting });
    for (const pool of parsePools("pods", ipam)) assertEquals(measureUsage(pool, pages), want);
  });
}

Deno.test("measureUsage: pools that overlap count the same addresses", () => {
  const pools = parsePools("pods", {
    subnet: "10.0.0.0/24",
    pools: [{ name: "few", subnet: "10.0.0.16/28" }],
  });
  const pages = pagesWith({ used: ["10.0.0.9", "10.0.0.18"], resting: [] });
  // The gateway of each is withheld from the other.
  assertEquals(pools.map((pool) => measureUsage(pool, pages)), [
    { total: 252n, used: 2, resting: 0, reserved: 2n, claimed: 0 },
    { total: 13n, used: 1, resting: 0, reserved: 1n, claimed: 0 },
  ]);
});

Deno.test("measureUsage: counts every bit of a page once", () => {
  const [pool] = parsePools("pods", { subnet: "10.0.0.0/16", gateway: "10.1.0.1" });
  const first = parseAddress("10.0.16.0");
  for (const modulus of [1, 2, 7, 31, 32, 33, 4_096]) {
    const map = new AddressMap();
    for (let at = 0; at < 4_096; at++) {
      map.mark(addOffset(first, BigInt(at)), at % modulus === 0 ? "used" : "resting");
    }
    const usage = pool && measureUsage(pool, map.pages);
    const used = Math.ceil(4_096 / modulus);
    assertEquals([usage?.used, usage?.resting], [used, 4_096 - used]);
  }
});

function pagesWith(marks: Partial<Record<AddressUse, readonly string[]>>): StoredPage[] {
  const map = new AddressMap();
  for (const use of ["used", "resting"] as const) {
    for (const text of marks[use] ?? []) map.mark(parseAddress(text), use);
  }
  return map.pages;
}
