import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { formatAddress } from "../net/address.ts";
import { formatPrefix } from "../net/prefix.ts";
import {
  type IpamConfig,
  type IpamSources,
  parseIpamConfig,
  requireOnePerFamily,
} from "./config.ts";

type Sources = Partial<IpamSources>;

/** Sources and the sets that they give, as `subnet start-end via gateway`. */
const SETS: [Sources, string[][]][] = [
  [{ ipam: { subnet: "10.244.0.0/24" } }, [[
    "10.244.0.0/24 10.244.0.1-10.244.0.254 via 10.244.0.1",
  ]]],
  [
    {
      ipam: {
        subnet: "10.244.0.0/16",
        gateway: "10.244.0.9",
        rangeStart: "10.244.1.0",
        rangeEnd: "",
      },
    },
    [["10.244.0.0/16 10.244.1.0-10.244.255.254 via 10.244.0.9"]],
  ],
  [
    { ipam: { ranges: [[{ subnet: "fd00:1::/64" }]] } },
    [["fd00:1::/64 fd00:1::1-fd00:1::ffff:ffff:ffff:ffff via fd00:1::1"]],
  ],
  [
    {
      ipam: { subnet: "10.2.0.0/24", ranges: [[{ subnet: "10.3.0.0/24", gateway: null }]] },
      runtimeConfig: { ipRanges: [[{ subnet: "10.1.0.0/24", rangeStart: "", gateway: "" }]] },
    },
    [
      ["10.1.0.0/24 10.1.0.1-10.1.0.254 via 10.1.0.1"],
      ["10.2.0.0/24 10.2.0.1-10.2.0.254 via 10.2.0.1"],
      ["10.3.0.0/24 10.3.0.1-10.3.0.254 via 10.3.0.1"],
    ],
  ],
  [
    { ipam: { ranges: [[{ subnet: "10.0.0.0/30" }, { subnet: "10.0.0.4/30" }]] } },
    [["10.0.0.0/30 10.0.0.1-10.0.0.2 via 10.0.0.1", "10.0.0.4/30 10.0.0.5-10.0.0.6 via 10.0.0.5"]],
  ],
  [
    { ipam: { subnet: "10.0.0.0/24", gateway: "192.168.0.1" } },
    [["10.0.0.0/24 10.0.0.1-10.0.0.254 via 192.168.0.1"]],
  ],
];

/** Sources and the text that they are refused with. */
const REFUSED: [Sources, ConfigError["reason"], string][] = [
  [
    set("10.0.0.0/31"),
    "invalid-config",
    "invalid range set 0: Network 10.0.0.0/31 too small to allocate from",
  ],
  [
    set("10.0.0.1/32"),
    "invalid-config",
    "invalid range set 0: Network 10.0.0.1/32 too small to allocate from",
  ],
  [
    set("fd00::/127"),
    "invalid-config",
    "invalid range set 0: Network fd00::/127 too small to allocate from",
  ],
  [
    set("10.1.2.3/24"),
    "invalid-config",
    "invalid range set 0: Network has host bits set. For a subnet mask of length 24 the network address is 10.1.2.0",
  ],
  [
    set({ subnet: "10.0.0.0/24", rangeStart: "10.0.1.1" }),
    "invalid-config",
    "invalid range set 0: RangeStart 10.0.1.1 not in network 10.0.0.0/24",
  ],
  [
    set({ subnet: "10.0.0.0/24", rangeEnd: "fd00::1" }),
    "invalid-config",
    "invalid range set 0: RangeEnd fd00::1 not in network 10.0.0.0/24",
  ],
  [
    set({ subnet: "10.0.0.0/24", rangeStart: "10.0.0.9", rangeEnd: "10.0.0.8" }),
    "invalid-config",
    "invalid range set 0: RangeStart 10.0.0.9 not in network 10.0.0.0/24",
  ],
  [
    set({ subnet: "10.0.0.8/29", rangeEnd: "10.0.0.8" }),
    "invalid-config",
    "invalid range set 0: RangeEnd 10.0.0.8 not in network 10.0.0.8/29",
  ],
  [
    set({ subnet: "10.0.0.0/30", rangeStart: "10.0.0.3" }),
    "invalid-config",
    "invalid range set 0: RangeStart 10.0.0.3 not in network 10.0.0.0/30",
  ],
  [
    set({ subnet: "10.0.0.0/24", gateway: "fd00::1" }),
    "invalid-config",
    "invalid range set 0: gateway fd00::1 not of the family of network 10.0.0.0/24",
  ],
  [
    set("10.0.0.0/24", "fd00::/64"),
    "invalid-config",
    "invalid range set 0: mixed address families",
  ],
  [
    set("10.0.0.0/24", "10.0.0.128/25"),
    "invalid-config",
    "invalid range set 0: subnets 10.0.0.1-10.0.0.254 and 10.0.0.129-10.0.0.254 overlap",
  ],
  [{ ipam: undefined }, "invalid-config", "IPAM config missing 'ipam' key"],
  [{ ipam: { ranges: [[]] } }, "invalid-config", "invalid range set 0: empty range set"],
  [
    {
      ipam: {
        ranges: [[{ subnet: "10.1.0.0/24" }], [{ subnet: "10.2.0.0/24" }], [{
          subnet: "10.1.0.0/16",
        }]],
      },
    },
    "invalid-config",
    "range set 0 overlaps with 2",
  ],
  [
    { ipam: { type: "headcni-ipam", clusterCIDR: "10.244.0.0/16" } },
    "no-pod-cidr",
    'Cannot choose addresses for pods: ipam of network "pods" has neither "subnet" nor "ranges", ' +
    'and runtimeConfig no "ipRanges"; add "subnet": "<the node\'s PodCIDR>"',
  ],
  [
    { ipam: { subnet: "10.0.0.0", ranges: [{}], cooldown: true } },
    "invalid-config",
    'Cannot use ipam of network "pods": subnet: an IP prefix wanted, got "10.0.0.0"; ' +
    "ranges.0: Array wanted, got {}; cooldown: (string | number) wanted, got true",
  ],
  [
    { ipam: { subnet: "10.0.0.0/24", allocation_strategy: "lru" } },
    "unsupported-field",
    'Cannot use allocation_strategy "lru" in ipam of network "pods": there are "sequential", "random", "dense"',
  ],
  [
    { ipam: { subnet: "10.0.0.0/24" }, argsIp: "10.0.0.9,x" },
    "invalid-environment",
    'Cannot use IP "x" of CNI_ARGS: not an IP address',
  ],
  [
    { ipam: { subnet: "10.0.0.0/24" }, cniArgs: { ips: ["10.0.0.9", "x"] } },
    "invalid-config",
    'Cannot use args.cni: ips.1: an IP address wanted, got "x"',
  ],
];

Deno.test("parseIpamConfig: reads range sets and fills in the defaults of host-local", () => {
  for (const [sources, want] of SETS) {
    assertEquals(setTexts(parse(sources)), want, JSON.stringify(sources));
  }
});

for (const [sources, reason, text] of REFUSED) {
  Deno.test(`parseIpamConfig: refuses ${JSON.stringify(sources)}`, () => {
    const error = assertThrows(() => parse(sources), ConfigError);
    assertEquals([error.reason, error.message], [reason, text]);
  });
}

Deno.test("parseIpamConfig: joins requested addresses of all sources", () => {
  const config = parse({
    ipam: { subnet: "10.0.0.0/24" },
    argsIp: "10.0.0.3, 10.0.0.4",
    cniArgs: { ips: ["10.0.0.4/24", "fd00::5"], mac: "02:00:00:00:00:01" },
    runtimeConfig: { ips: ["fd00:0::5/64", "10.0.0.6"], mac: "02:00:00:00:00:01" },
  });
  assertEquals(config.requested.map(formatAddress), [
    "10.0.0.3",
    "10.0.0.4",
    "fd00::5",
    "10.0.0.6",
  ]);
});

Deno.test("parseIpamConfig: takes both spellings of the strategy, and cooldown as text or seconds", () => {
  const cases: [Record<string, unknown>, number][] = [
    [{ allocation_strategy: "sequential" }, 60_000],
    [{ allocationStrategy: "sequential", cooldown: "1m30s" }, 90_000],
    [{ cooldown: 2.5 }, 2_500],
    [{ cooldown: 0 }, 0],
  ];
  for (const [keys, cooldownMs] of cases) {
    const config = parse({ ipam: { subnet: "10.0.0.0/24", ...keys } });
    assertEquals([config.strategy, config.cooldownMs], ["sequential", cooldownMs]);
  }
});

Deno.test("requireOnePerFamily: allows one address of each family", () => {
  const one = parse({ ipam: { subnet: "10.0.0.0/24", ranges: [[{ subnet: "fd00::/64" }]] } });
  requireOnePerFamily(one, "0.2.0");
  const two = parse({ ipam: { subnet: "10.0.0.0/24", ranges: [[{ subnet: "10.1.0.0/24" }]] } });
  const error = assertThrows(() => requireOnePerFamily(two, "0.2.0"), ConfigError);
  assertEquals(
    error.message,
    "CNI version 0.2.0 does not support more than 1 address per family",
  );
});

function parse(sources: Sources): IpamConfig {
  return parseIpamConfig({ network: "pods", ipam: {}, ...sources });
}

function set(...ranges: (string | Record<string, string>)[]): Sources {
  return {
    ipam: { ranges: [ranges.map((one) => typeof one === "string" ? { subnet: one } : one)] },
  };
}

function setTexts(config: IpamConfig): string[][] {
  return config.rangeSets.map((ranges) =>
    ranges.map(({ subnet, start, end, gateway }) =>
      `${formatPrefix(subnet)} ${formatAddress(start)}-${formatAddress(end)} via ${
        formatAddress(gateway)
      }`
    )
  );
}
