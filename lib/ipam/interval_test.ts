import { assertEquals } from "@std/assert";
import { formatSpan } from "../../tests/fakes/format_span.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import {
  addressAt,
  addressBehind,
  claimableIntervals,
  countAddresses,
  rotateIntervals,
  usableIntervals,
} from "./interval.ts";
import { type AddressPool, parsePools } from "./pool.ts";

/** An `ipam` section, what pods get of themselves, and what they can ask for if that is more. */
const CASES: readonly [Record<string, unknown>, string[], string[]?][] = [
  [{ subnet: "10.0.0.0/29" }, ["10.0.0.2-10.0.0.6"]],
  [{ subnet: "10.0.0.0/29", rangeStart: "10.0.0.0", rangeEnd: "10.0.0.7" }, ["10.0.0.2-10.0.0.6"]],
  [{ subnet: "fd00::/125" }, ["fd00::2-fd00::7"]],
  [{ subnet: "fd00::/125", rangeStart: "fd00::" }, ["fd00::2-fd00::7"]],
  [{ subnet: "10.0.0.0/29", gateway: "10.0.0.4" }, ["10.0.0.1-10.0.0.3", "10.0.0.5-10.0.0.6"]],
  [{ subnet: "10.0.0.0/29", gateway: "10.9.9.9" }, ["10.0.0.1-10.0.0.6"]],
  [{ subnet: "10.0.0.0/28", exclude: ["10.0.0.4/30"] }, [
    "10.0.0.2-10.0.0.3",
    "10.0.0.8-10.0.0.14",
  ]],
  [
    { subnet: "10.0.0.0/28", exclude: ["10.0.0.8-10.0.0.15", "10.0.0.0-10.0.0.2", "10.0.0.2"] },
    ["10.0.0.3-10.0.0.7"],
  ],
  [
    { subnet: "10.0.0.0/28", exclude: ["10.0.0.4-10.0.0.9", "10.0.0.5", "10.0.0.6-10.0.0.11"] },
    ["10.0.0.2-10.0.0.3", "10.0.0.12-10.0.0.14"],
  ],
  [{ subnet: "10.0.0.0/29", exclude: ["fd00::/64", "9.0.0.0/8", "11.0.0.1"] }, [
    "10.0.0.2-10.0.0.6",
  ]],
  [{ subnet: "fd00::/125", exclude: ["0.0.0.0/0"] }, ["fd00::2-fd00::7"]],
  [
    { subnet: "10.0.0.0/29", reserved: ["10.0.0.3"], exclude: ["10.0.0.6"] },
    ["10.0.0.2", "10.0.0.4-10.0.0.5"],
    ["10.0.0.2-10.0.0.5"],
  ],
  [{ subnet: "10.0.0.0/29", reserved: ["10.0.0.0/29"] }, [], ["10.0.0.2-10.0.0.6"]],
  [
    { ranges: [[{ subnet: "10.1.0.0/30" }, { subnet: "10.0.0.0/29", exclude: ["10.1.0.2"] }]] },
    ["10.0.0.2-10.0.0.6"],
  ],
];

Deno.test("usableIntervals, claimableIntervals: what is left of the ranges of a set", () => {
  for (const [ipam, usable, claimable = usable] of CASES) {
    const { pool, set } = poolOf(ipam);
    assertEquals(usableIntervals(pool, set).map(formatSpan), usable, JSON.stringify(ipam));
    assertEquals(claimableIntervals(pool, set).map(formatSpan), claimable, JSON.stringify(ipam));
  }
});

Deno.test("usableIntervals: the top of both address spaces is reached and not left", () => {
  for (
    const [subnet, want] of [
      ["255.255.255.252/30", "255.255.255.254"],
      ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffc/126", "ffff:ffff:ffff:ffff:ffff:ffff:ffff:fffe"],
    ]
  ) {
    const { pool, set } = poolOf({ subnet, exclude: ["ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff"] });
    assertEquals(usableIntervals(pool, set).map(formatSpan), [want]);
  }
});

/** Two ranges: 10.0.0.2 to .6 without .4, and 10.1.0.2. */
const ROUND = {
  ranges: [[{ subnet: "10.0.0.0/29", exclude: ["10.0.0.4"] }, { subnet: "10.1.0.0/30" }]],
};

Deno.test("rotateIntervals: begins anywhere, and has every address once", () => {
  const { pool, set } = poolOf(ROUND);
  const usable = usableIntervals(pool, set);
  const rounds: [string | undefined, string][] = [
    [undefined, "10.0.0.2-10.0.0.3 10.0.0.5-10.0.0.6 10.1.0.2"],
    ["10.0.0.2", "10.0.0.2-10.0.0.3 10.0.0.5-10.0.0.6 10.1.0.2"],
    ["10.0.0.3", "10.0.0.3 10.0.0.5-10.0.0.6 10.1.0.2 10.0.0.2"],
    ["10.0.0.5", "10.0.0.5-10.0.0.6 10.1.0.2 10.0.0.2-10.0.0.3"],
    ["10.0.0.6", "10.0.0.6 10.1.0.2 10.0.0.2-10.0.0.3 10.0.0.5"],
    ["10.1.0.2", "10.1.0.2 10.0.0.2-10.0.0.3 10.0.0.5-10.0.0.6"],
  ];
  for (const [start, want] of rounds) {
    const round = rotateIntervals(usable, start === undefined ? undefined : parseAddress(start));
    assertEquals(round.map(formatSpan).join(" "), want, start);
  }
  assertEquals(rotateIntervals([], undefined), []);
});

Deno.test("addressAt: counts through the intervals in their order", () => {
  const { pool, set } = poolOf(ROUND);
  const usable = usableIntervals(pool, set);
  assertEquals(countAddresses(usable), 5n);
  const found = [0n, 1n, 2n, 3n, 4n, 5n].map((index) => addressAt(usable, index));
  assertEquals(found.map((address) => address && formatAddress(address)), [
    ...["10.0.0.2", "10.0.0.3", "10.0.0.5", "10.0.0.6", "10.1.0.2"],
    undefined,
  ]);
});

Deno.test("addressBehind: a round goes on behind any address of the ranges, given or not", () => {
  const { pool, set } = poolOf(ROUND);
  const usable = usableIntervals(pool, set);
  const cases: [string, string | undefined][] = [
    ["10.0.0.1", "10.0.0.2"],
    ["10.0.0.2", "10.0.0.3"],
    ["10.0.0.3", "10.0.0.5"],
    // Excluded since it was given.
    ["10.0.0.4", "10.0.0.5"],
    ["10.0.0.5", "10.0.0.6"],
    ["10.0.0.6", "10.1.0.2"],
    ["10.1.0.1", "10.1.0.2"],
    ["10.1.0.2", undefined],
    // Of no range any more.
    ["10.0.0.7", "10.0.0.2"],
    ["10.2.0.1", "10.0.0.2"],
    ["fd00::1", "10.0.0.2"],
  ];
  for (const [cursor, want] of cases) {
    const next = addressBehind(usable, parseAddress(cursor));
    assertEquals(next && formatAddress(next), want, cursor);
  }
});

Deno.test("addressBehind: a range behind which another one begins is followed by the next of the set", () => {
  const ranges = [["10", "12"], ["5", "9"], ["20", "22"]].map(([start, end]) => ({
    subnet: "10.0.0.0/24",
    rangeStart: `10.0.0.${start}`,
    rangeEnd: `10.0.0.${end}`,
  }));
  const { pool, set } = poolOf({ ranges: [ranges] });
  const next = addressBehind(usableIntervals(pool, set), parseAddress("10.0.0.9"));
  assertEquals(next && formatAddress(next), "10.0.0.20");
});

function poolOf(ipam: Record<string, unknown>): {
  pool: AddressPool;
  set: AddressPool["rangeSets"][number];
} {
  const [pool] = parsePools("pods", ipam);
  const [set] = pool?.rangeSets ?? [];
  if (!pool || !set) throw new Error(`${JSON.stringify(ipam)} has no ranges`);
  return { pool, set };
}
