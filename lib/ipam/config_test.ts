import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { formatAddress } from "../net/address.ts";
import {
  type IpamConfig,
  type IpamSources,
  parseIpamConfig,
  requireOnePerFamily,
} from "./config.ts";
import { formatRangeSet } from "./range.ts";

type Sources = Partial<IpamSources>;

const ANNOTATIONS = "io.kubernetes.cri.pod-annotations";

/** Sources and the sets that they give; host-local's config_test.go has the same forms. */
const SETS: readonly [Sources, string[]][] = [
  [{ ipam: { subnet: "10.244.0.0/24" } }, ["10.244.0.1-10.244.0.254"]],
  [
    { ipam: { subnet: "10.1.2.0/24", rangeStart: "10.1.2.9", rangeEnd: "10.1.2.20", gateway: "" } },
    ["10.1.2.9-10.1.2.20"],
  ],
  [
    {
      ipam: {
        ranges: [
          [{ subnet: "10.1.2.0/24", rangeStart: "10.1.2.9", gateway: null }, {
            subnet: "10.1.4.0/24",
          }],
          [{ subnet: "11.1.2.0/24", rangeEnd: "11.1.2.20" }],
          [{ subnet: "2001:db8:2::0/64" }],
        ],
      },
    },
    [
      "10.1.2.9-10.1.2.254,10.1.4.1-10.1.4.254",
      "11.1.2.1-11.1.2.20",
      "2001:db8:2::1-2001:db8:2:0:ffff:ffff:ffff:ffff",
    ],
  ],
  [
    {
      ipam: { subnet: "10.1.2.0/24", ranges: [[{ subnet: "11.1.2.0/24", gateway: "11.1.2.30" }]] },
      runtimeConfig: {
        irrelevant: "a",
        ipRanges: [[{ subnet: "12.1.3.0/24", rangeStart: "", gateway: "" }]],
      },
    },
    ["12.1.3.1-12.1.3.254", "10.1.2.1-10.1.2.254", "11.1.2.1-11.1.2.254"],
  ],
  [
    { ipam: {}, runtimeConfig: { ipRanges: [[{ subnet: "12.1.3.0/24" }]] } },
    ["12.1.3.1-12.1.3.254"],
  ],
];

/** A section with pools by namespace, and one that nobody gets who does not ask for it. */
const POOLS = {
  subnet: "10.0.0.0/24",
  pools: [
    { name: "db", namespaces: ["db", "cache"], subnet: "10.1.0.0/24" },
    { name: "late", namespaces: ["db", "web"], ranges: [[{ subnet: "10.2.0.0/24" }]] },
    { name: "edge", subnet: "10.3.0.0/24" },
  ],
};

/** What a pod says, and the pool that it gets. */
const CHOSEN: readonly [Sources, string][] = [
  [{}, "default"],
  [{ podNamespace: "other" }, "default"],
  [{ podNamespace: "db" }, "db"],
  [{ podNamespace: "cache" }, "db"],
  [{ podNamespace: "web" }, "late"],
  [{ podNamespace: "web", ...annotated("edge") }, "edge"],
  [{ podNamespace: "web", ...annotated("default") }, "default"],
  [{ podNamespace: "web", ...annotated("") }, "late"],
];

/** Sources and the text that they are refused with. */
const REFUSED: readonly [Sources, ConfigError["reason"], string][] = [
  [{ ipam: undefined }, "invalid-config", "IPAM config missing 'ipam' key"],
  [
    { ipam: { type: "headcni-ipam", clusterCIDR: "10.244.0.0/16", nodeBlockSize: 24 } },
    "no-pod-cidr",
    'Cannot choose addresses for pods: ipam of network "pods" has neither "subnet" nor "ranges", ' +
    'and runtimeConfig no "ipRanges"; add "subnet": "<the node\'s PodCIDR>"',
  ],
  [
    {
      ipam: {
        subnet: "10.0.0.0",
        ranges: [{}],
        exclude: ["10.0.0.9-10.0.0.1"],
        reserved: "10.0.0.9",
        pools: [{ name: "", subnet: 5 }],
        cooldown: true,
        sticky: "soon",
        excludes: [],
      },
    },
    "invalid-config",
    'Cannot use ipam of network "pods": subnet: an IP prefix wanted, got "10.0.0.0"; ' +
    'exclude.0: an IP prefix, an IP address or "first-last" wanted, got "10.0.0.9-10.0.0.1"; ' +
    'reserved: Array wanted, got "10.0.0.9"; ranges.0: Array wanted, got {}; ' +
    'pools.0.name: "name" wanted, got undefined; pools.0.subnet: string wanted, got 5; ' +
    "cooldown: (string | number) wanted, got true; " +
    'sticky: true, false, or a duration such as "60s" or "1h30m", or a number of seconds, ' +
    'wanted, got "soon"; excludes: the key "exclude" wanted, got []',
  ],
  [
    { ipam: { ranges: [[{ subnet: "10.0.0.0/24", range_start: "10.0.0.9" }]] } },
    "invalid-config",
    'Cannot use ipam of network "pods": ranges.0.0.range_start: the key "rangeStart" wanted, ' +
    'got "10.0.0.9"',
  ],
  [
    { ipam: { subnet: "10.0.0.0/24", allocation_strategy: "lru" } },
    "unsupported-field",
    'Cannot use allocation_strategy "lru" in ipam of network "pods": there are "sequential", ' +
    '"random", "dense"',
  ],
  [
    { ipam: { subnet: "10.0.0.0/24", allocation_strategy: "dense", allocationStrategy: "lru" } },
    "unsupported-field",
    'Cannot use allocation_strategy "lru" in ipam of network "pods": there are "sequential", ' +
    '"random", "dense"',
  ],
  [
    { ipam: { subnet: "10.0.0.0/24" }, runtimeConfig: { ipRanges: [[{ subnet: "10.0.0.0/16" }]] } },
    "invalid-config",
    "range set 0 overlaps with 1",
  ],
  [
    { ipam: POOLS, ...annotated("dbb") },
    "invalid-config",
    'Cannot use pool "dbb" of annotation "headcni.io/pool": ipam of network "pods" has ' +
    '"default", "db", "late", "edge"',
  ],
  [
    { ipam: { pools: POOLS.pools }, podNamespace: "other" },
    "invalid-config",
    'Cannot choose a pool for a pod of namespace "other": ipam of network "pods" has "db", ' +
    '"late", "edge", none of them for it, and no "subnet" or "ranges" of its own for all others',
  ],
  [
    { ipam: { pools: POOLS.pools } },
    "invalid-config",
    'Cannot choose a pool for a pod without a namespace: ipam of network "pods" has "db", ' +
    '"late", "edge", none of them for it, and no "subnet" or "ranges" of its own for all others',
  ],
];

Deno.test("parseIpamConfig: sets are those of the runtime, the short form, then the list", () => {
  for (const [sources, want] of SETS) {
    assertEquals(parse(sources).rangeSets.map(formatRangeSet), want, JSON.stringify(sources));
  }
});

Deno.test("parseIpamConfig: a pod's pool is that of its annotation, else of its namespace", () => {
  for (const [sources, want] of CHOSEN) {
    assertEquals(parse({ ipam: POOLS, ...sources }).pool, want, JSON.stringify(sources));
  }
});

Deno.test("parseIpamConfig: sets of the runtime come first in any pool", () => {
  const runtimeConfig = { ipRanges: [[{ subnet: "10.9.0.0/24", exclude: ["10.9.0.9"] }]] };
  const config = parse({ ipam: POOLS, podNamespace: "db", runtimeConfig });
  assertEquals(config.rangeSets.map(formatRangeSet), [
    "10.9.0.1-10.9.0.254",
    "10.1.0.1-10.1.0.254",
  ]);
  assertEquals(config.excluded.some(({ first }) => formatAddress(first) === "10.9.0.9"), true);
});

for (const [sources, reason, text] of REFUSED) {
  Deno.test(`parseIpamConfig: refuses ${JSON.stringify(sources)}`, () => {
    const error = assertThrows(() => parse(sources), ConfigError);
    assertEquals([error.reason, error.message], [reason, text]);
  });
}

Deno.test("parseIpamConfig: strategy, cooldown and sticky have defaults and several spellings", () => {
  const cases: [Record<string, unknown>, [IpamConfig["strategy"], number, number]][] = [
    [{}, ["sequential", 60_000, 0]],
    [{ allocation_strategy: "sequential", sticky: false }, ["sequential", 60_000, 0]],
    [{ allocationStrategy: "random", cooldown: "1m30s" }, ["random", 90_000, 0]],
    [{ allocation_strategy: "dense", allocationStrategy: "random" }, ["dense", 60_000, 0]],
    [{ allocation_strategy: "dense-pack", cooldown: 2.5 }, ["dense", 2_500, 0]],
    [{ allocation_strategy: "dense_pack", cooldown: 0 }, ["dense", 0, 0]],
    [{ allocation_strategy: "", cooldown: "0", sticky: true }, ["sequential", 0, 3_600_000]],
    [{ sticky: "24h" }, ["sequential", 60_000, 86_400_000]],
    [{ sticky: 90 }, ["sequential", 60_000, 90_000]],
    [{ sticky: null }, ["sequential", 60_000, 0]],
  ];
  for (const [keys, want] of cases) {
    const config = parse({ ipam: { subnet: "10.0.0.0/24", ...keys } });
    assertEquals([config.strategy, config.cooldownMs, config.stickyMs], want);
  }
});

Deno.test("parseIpamConfig: keys of others are ignored", () => {
  const ipam = {
    type: "host-local",
    subnet: "10.0.0.0/24",
    routes: [{ dst: "0.0.0.0/0" }],
    resolvConf: "/etc/resolv.conf",
    dns: {},
    dataDir: "/x",
    subnetFile: "/y",
    daemonSocket: "/z",
    clusterCIDR: "10.0.0.0/8",
    nodeBlockSize: 24,
    addresses: [],
  };
  assertEquals(parse({ ipam }).pool, "default");
});

Deno.test("requireOnePerFamily: allows one address of each family", () => {
  const one = parse({ ipam: { ranges: [[{ subnet: "10.1.2.0/24" }], [{ subnet: "fd00::/48" }]] } });
  requireOnePerFamily(one, "0.2.0");
  const two = parse({ ipam: { subnet: "10.1.2.0/24", ranges: [[{ subnet: "11.1.2.0/24" }]] } });
  const error = assertThrows(() => requireOnePerFamily(two, "0.2.0"), ConfigError);
  assertEquals(
    error.message,
    "CNI version 0.2.0 does not support more than 1 address per family",
  );
});

function parse(sources: Sources): IpamConfig {
  return parseIpamConfig({ network: "pods", ipam: {}, ...sources });
}

function annotated(pool: string): Sources {
  return { runtimeConfig: { [ANNOTATIONS]: { "headcni.io/pool": pool } } };
}
