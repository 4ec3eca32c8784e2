/** What host-local's tests say of ranges and range sets, as facts: range_test.go, range_set_test.go. */
import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { formatAddress, parseAddress } from "../net/address.ts";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { type AddressRange, isInRange, parseRangeSets, type RawRange } from "./range.ts";

/** A subnet, or it with the keys of a range, as `subnet start= end= gateway=`. */
type RangeText = string;

/** Ranges, and what they mean with all defaults. */
const RANGES: readonly [RangeText, string][] = [
  ["192.0.2.0/24", "192.0.2.0/24 192.0.2.1-192.0.2.254 via 192.0.2.1"],
  ["192.0.2.0/25", "192.0.2.0/25 192.0.2.1-192.0.2.126 via 192.0.2.1"],
  ["192.0.2.128/25", "192.0.2.128/25 192.0.2.129-192.0.2.254 via 192.0.2.129"],
  ["192.0.2.4/30", "192.0.2.4/30 192.0.2.5-192.0.2.6 via 192.0.2.5"],
  [
    "2001:DB8:1::/64",
    "2001:db8:1::/64 2001:db8:1::1-2001:db8:1:0:ffff:ffff:ffff:ffff via 2001:db8:1::1",
  ],
  ["2001:db8:1::8/126", "2001:db8:1::8/126 2001:db8:1::9-2001:db8:1::b via 2001:db8:1::9"],
  [
    "192.0.2.0/24 start=192.0.2.40 end=192.0.2.50 gateway=192.0.2.254",
    "192.0.2.0/24 192.0.2.40-192.0.2.50 via 192.0.2.254",
  ],
  ["10.0.0.0/24 gateway=192.168.0.1", "10.0.0.0/24 10.0.0.1-10.0.0.254 via 192.168.0.1"],
  [
    "10.0.0.0/8 start=10.0.0.0 end=10.255.255.255",
    "10.0.0.0/8 10.0.0.0-10.255.255.255 via 10.0.0.1",
  ],
];

/** Sets of ranges, and why they are refused. */
const REFUSED: readonly [readonly (readonly RangeText[])[], string][] = [
  [[["10.0.0.0/31"]], "invalid range set 0: Network 10.0.0.0/31 too small to allocate from"],
  [[["10.0.0.1/32"]], "invalid range set 0: Network 10.0.0.1/32 too small to allocate from"],
  [[["fd00::/127"]], "invalid range set 0: Network fd00::/127 too small to allocate from"],
  [
    [["::ffff:10.0.0.0/120"]],
    "invalid range set 0: Network ::ffff:a00:0/120 is IPv4 written as IPv6: write 10.0.0.0/24",
  ],
  [[["192.0.2.12/24"]], hostBits(24, "192.0.2.0")],
  [[["192.168.127.0/23"]], hostBits(23, "192.168.126.0")],
  [[["2001:DB8:1::24:19ff:fee1:c44a/64"]], hostBits(64, "2001:db8:1::")],
  [[["2001:DB8:24:19ff::/63"]], hostBits(63, "2001:db8:24:19fe::")],
  [[["192.0.2.0/24 start=192.0.3.0"]], outside("RangeStart 192.0.3.0", "192.0.2.0/24")],
  [[["192.0.2.0/24 end=192.0.4.0"]], outside("RangeEnd 192.0.4.0", "192.0.2.0/24")],
  [[["10.0.0.0/24 end=fd00::1"]], outside("RangeEnd fd00::1", "10.0.0.0/24")],
  [
    [["192.0.2.0/24 start=192.0.2.50 end=192.0.2.40"]],
    outside("RangeStart 192.0.2.50", "192.0.2.0/24"),
  ],
  [[["10.0.0.8/29 end=10.0.0.8"]], outside("RangeEnd 10.0.0.8", "10.0.0.8/29")],
  [[["10.0.0.0/30 start=10.0.0.3"]], outside("RangeStart 10.0.0.3", "10.0.0.0/30")],
  [
    [["10.0.0.0/24 gateway=fd00::1"]],
    "invalid range set 0: gateway fd00::1 not of the family of network 10.0.0.0/24",
  ],
  [[[]], "invalid range set 0: empty range set"],
  [[["10.1.0.0/22", "2001:db8:5::/64"]], "invalid range set 0: mixed address families"],
  [
    [["192.168.0.0/20", "192.168.2.0/24"]],
    "invalid range set 0: subnets 192.168.0.1-192.168.15.254 and 192.168.2.1-192.168.2.254 overlap",
  ],
  [
    [["10.9.0.0/24"], ["10.1.0.0/22", "10.1.2.0/24"]],
    "invalid range set 1: subnets 10.1.0.1-10.1.3.254 and 10.1.2.1-10.1.2.254 overlap",
  ],
  [
    [["10.1.2.0/24", "10.2.2.0/24"], ["10.1.4.0/24", "10.1.6.0/24", "10.1.8.0/24", "10.1.2.0/24"]],
    "range set 0 overlaps with 1",
  ],
  [[["10.1.0.0/24"], ["10.2.0.0/24"], ["10.1.0.0/16"]], "range set 0 overlaps with 2"],
];

/** Two ranges, and whether they overlap. */
const OVERLAPS: readonly [RangeText, RangeText, boolean][] = [
  ["10.0.0.0/24", "10.0.1.0/24", false],
  ["0.0.0.0/24", "::/24", false],
  ["10.0.0.0/24", "10.0.0.0/24", true],
  ["10.0.0.0/20", "10.0.1.0/24", true],
  ["fd00::/48", "fd00:0:0:1::/64", true],
  ["10.0.0.0/24 end=10.0.0.127", "10.0.0.0/24 start=10.0.0.128", false],
  ["10.0.0.0/24 end=10.0.0.127", "10.0.0.0/24 start=10.0.0.127", true],
  ["fd00::/64 end=fd00::7f", "fd00::/64 start=fd00::80", false],
  ["fd00::/64 end=fd00::7f", "fd00::/64 start=fd00::7f", true],
];

Deno.test("parseRangeSets: fills in the defaults", () => {
  for (const [text, want] of RANGES) {
    assertEquals(parseRangeSets([[rawRange(text)]]).flat().map(formatRange), [want]);
  }
});

for (const [sets, want] of REFUSED) {
  Deno.test(`parseRangeSets: refuses ${JSON.stringify(sets)}`, () => {
    const parse = () => parseRangeSets(sets.map((set) => set.map(rawRange)));
    const error = assertThrows(parse, ConfigError);
    assertEquals([error.reason, error.message], ["invalid-config", want]);
  });
}

Deno.test("parseRangeSets: sees overlaps of two sets, whichever comes first", () => {
  for (const [one, other, want] of OVERLAPS) {
    for (const sets of [[one, other], [other, one]]) {
      const parse = () => parseRangeSets(sets.map((text) => [rawRange(text)]));
      if (want) assertThrows(parse, ConfigError, "range set 0 overlaps with 1");
      else assertEquals(parse().length, 2);
    }
  }
});

Deno.test("isInRange: both ends belong to the range", () => {
  const cases: [RangeText, string, boolean][] = [
    ["192.0.2.0/24 start=192.0.2.40 end=192.0.2.50", "192.0.3.0", false],
    ["192.0.2.0/24 start=192.0.2.40 end=192.0.2.50", "192.0.2.39", false],
    ["192.0.2.0/24 start=192.0.2.40 end=192.0.2.50", "192.0.2.40", true],
    ["192.0.2.0/24 start=192.0.2.40 end=192.0.2.50", "192.0.2.50", true],
    ["192.0.2.0/24 start=192.0.2.40 end=192.0.2.50", "192.0.2.51", false],
    ["192.0.2.0/24", "::c000:228", false],
    ["2001:db8:1::/64 start=2001:db8:1::40 end=2001:db8:1::50", "2001:db8:2::", false],
    ["2001:db8:1::/64 start=2001:db8:1::40 end=2001:db8:1::50", "2001:db8:1::39", false],
    ["2001:db8:1::/64 start=2001:db8:1::40 end=2001:db8:1::50", "2001:db8:1::40", true],
    ["2001:db8:1::/64 start=2001:db8:1::40 end=2001:db8:1::50", "2001:db8:1::50", true],
    ["2001:db8:1::/64 start=2001:db8:1::40 end=2001:db8:1::50", "2001:db8:1::51", false],
  ];
  for (const [text, address, want] of cases) {
    const [range] = parseRangeSets([[rawRange(text)]]).flat();
    assertEquals(range && isInRange(range, parseAddress(address)), want, `${address} in ${text}`);
  }
});

function hostBits(length: number, network: string): string {
  return "invalid range set 0: Network has host bits set. For a subnet mask of length " +
    `${length} the network address is ${network}`;
}

function outside(bound: string, subnet: string): string {
  return `invalid range set 0: ${bound} not in network ${subnet}`;
}

function rawRange(text: RangeText): RawRange {
  const [subnet = "", ...rest] = text.split(" ");
  const bounds = new Map(rest.map((part) => {
    const [key = "", value = ""] = part.split("=");
    return [key, parseAddress(value)];
  }));
  return {
    subnet: parsePrefix(subnet),
    rangeStart: bounds.get("start"),
    rangeEnd: bounds.get("end"),
    gateway: bounds.get("gateway"),
  };
}

function formatRange({ subnet, start, end, gateway }: AddressRange): string {
  return `${formatPrefix(subnet)} ${formatAddress(start)}-${formatAddress(end)} via ${
    formatAddress(gateway)
  }`;
}
