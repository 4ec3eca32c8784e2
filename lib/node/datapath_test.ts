import { assertEquals } from "@std/assert";
import { formatStep } from "../host/format.ts";
import { parseAddress } from "../net/address.ts";
import type { Link, LinkAddress } from "../net/link.ts";
import { macFromAddress } from "../net/mac.ts";
import { parsePrefix } from "../net/prefix.ts";
import type { KernelRoute } from "../net/route.ts";
import type { KernelRule } from "../net/rule.ts";
import {
  type DatapathFacts,
  datapathSysctls,
  type DatapathWant,
  GUARD_METRIC,
  planDatapath,
  planDatapathRemoval,
  RULE_PRIORITY,
} from "./datapath.ts";

const WANT: DatapathWant = {
  datapath: "bridge",
  bridge: "headcni0",
  podCidrs: ["10.1.1.0/24", "fd00:1:1::/64"].map(parsePrefix),
  clusterCidrs: ["10.1.0.0/16", "fd00:1::/32"].map(parsePrefix),
  gateways: ["10.1.1.1/24", "fd00:1:1::1/64"].map(parsePrefix),
  mtuBytes: 1280,
  hairpinMode: true,
  portIsolation: false,
  guardClusterCidr: true,
};

const BRIDGE: Link = {
  mac: macFromAddress(parseAddress("10.1.1.1")),
  index: 7,
  name: "headcni0",
  mtuBytes: 1280,
  up: true,
  promiscuous: false,
  carrier: true,
  linkKind: "bridge",
};

/** A node on which all is well. */
const WELL: DatapathFacts = {
  bridge: BRIDGE,
  bridgeAddresses: [
    ...["10.1.1.1/24", "fd00:1:1::1/64"].map((text) => bridgeAddress(text)),
    linkLocal("fe80::858:aff:fe01:101/64"),
  ],
  strayPorts: [],
  podAddresses: [],
  rules: ["10.1.1.0/24", "fd00:1:1::/64"].map((text) => rule(text)),
  routes: ["10.1.0.0/16", "fd00:1::/32"].map((text) => guard(text)),
  advertisedLinks: [],
  sysctls: new Map([
    ["net/ipv4/ip_forward", "1"],
    ["net/ipv6/conf/all/forwarding", "1"],
    ["net/ipv6/conf/headcni0/accept_ra", "0"],
    ["net/ipv6/conf/headcni0/accept_dad", "0"],
  ]),
};

/** A node on which nothing is. */
const EMPTY: DatapathFacts = {
  ...WELL,
  bridge: undefined,
  bridgeAddresses: [],
  rules: [],
  routes: [],
  sysctls: new Map([["net/ipv4/ip_forward", "0"], ["net/ipv6/conf/all/forwarding", "0"]]),
};

Deno.test("planDatapath: makes all on a fresh node", () => {
  assertEquals(plan(WANT, EMPTY), [
    "sysctl: sysctl -w net/ipv4/ip_forward=1",
    "sysctl: sysctl -w net/ipv6/conf/all/forwarding=1",
    "bridge: ip link add name headcni0 mtu 1280 address 0a:58:0a:01:01:01 up type bridge",
    "bridge: sysctl -e -w net/ipv6/conf/headcni0/accept_ra=0",
    "bridge: sysctl -e -w net/ipv6/conf/headcni0/accept_dad=0",
    "bridge_address: ip address add 10.1.1.1/24 dev headcni0",
    "bridge_address: ip address add fd00:1:1::1/64 dev headcni0 nodad",
    "rule: ip rule add priority 5100 to 10.1.1.0/24 lookup 254",
    "rule: ip -6 rule add priority 5100 to fd00:1:1::/64 lookup 254",
    "route: ip route add unreachable 10.1.0.0/16 metric 4294967040",
    "route: ip route add unreachable fd00:1::/32 metric 4294967040",
  ]);
});

Deno.test("planDatapath: nothing to do where all is well", () => {
  assertEquals(plan(WANT, WELL), []);
});

/** What went wrong, and what mends it. */
const FAULTS: readonly [string, Partial<DatapathFacts>, readonly string[]][] = [
  [
    "the bridge is down and of another MTU",
    { bridge: { ...BRIDGE, up: false, mtuBytes: 1500 } },
    ["bridge: ip link set dev headcni0 mtu 1280 up"],
  ],
  ["ports are left of a bridge that was removed", { strayPorts: ["veth1"] }, [
    "bridge_port: ip link set dev veth1 master headcni0",
    "bridge_port: bridge link set dev veth1 hairpin on isolated off",
  ]],
  ["one address is gone", { bridgeAddresses: WELL.bridgeAddresses.slice(1) }, [
    "bridge_address: ip address add 10.1.1.1/24 dev headcni0",
  ]],
  ["rules of somebody else do the same", { rules: WELL.rules.map((each) => foreign(each)) }, []],
  ["rules of somebody else do something else", {
    rules: [...WELL.rules, foreign(rule("10.9.0.0/16")), {
      ...rule("10.1.1.0/24"),
      protocol: 3,
      table: 52,
    }],
  }, []],
  ["routes of somebody else", {
    routes: [
      ...WELL.routes,
      foreign(guard("10.9.0.0/16")),
      { ...guard("10.9.0.0/16"), routeType: 1, linkIndex: 7, priority: 0 },
      { ...guard("10.9.0.0/16"), priority: 9 },
    ],
  }, []],
  ["an address of somebody else", {
    bridgeAddresses: [...WELL.bridgeAddresses, bridgeAddress("192.0.2.1/24", 0)],
  }, []],
  ["another link-local address, as of a stable secret", {
    bridgeAddresses: [...WELL.bridgeAddresses.slice(0, 2), linkLocal("fe80::1/64")],
  }, []],
  ["no link-local address", { bridgeAddresses: WELL.bridgeAddresses.slice(0, 2) }, [
    "bridge_address: ip address add fe80::858:aff:fe01:101/64 dev headcni0 nodad",
  ]],
  ["no link-local address: the kernel makes one with the first port", {
    bridge: { ...BRIDGE, carrier: false },
    bridgeAddresses: WELL.bridgeAddresses.slice(0, 2),
  }, []],
  ["the bridge takes advertisements, on a kernel that has no accept_dad", {
    sysctls: new Map([
      ["net/ipv4/ip_forward", "1"],
      ["net/ipv6/conf/all/forwarding", "1"],
      ["net/ipv6/conf/headcni0/accept_ra", "1"],
    ]),
  }, ["bridge: sysctl -e -w net/ipv6/conf/headcni0/accept_ra=0"]],
];

for (const [name, fault, mends] of FAULTS) {
  Deno.test(`planDatapath: ${name}`, () => {
    assertEquals(plan(WANT, { ...WELL, ...fault }), mends);
  });
}

Deno.test("planDatapath: a new network comes before the old one goes", () => {
  const next = {
    ...WANT,
    podCidrs: [parsePrefix("10.2.1.0/24")],
    clusterCidrs: [parsePrefix("10.2.0.0/16")],
    gateways: [parsePrefix("10.2.1.1/24")],
  };
  assertEquals(plan(next, { ...WELL, podAddresses: [parseAddress("fd00:1:1::5")] }), [
    "bridge_address: ip address add 10.2.1.1/24 dev headcni0",
    "rule: ip rule add priority 5100 to 10.2.1.0/24 lookup 254",
    "route: ip route add unreachable 10.2.0.0/16 metric 4294967040",
    // That of IPv6 stays: a pod uses it.
    "bridge_address: ip address delete 10.1.1.1/24 dev headcni0",
    "rule: ip rule delete priority 5100 to 10.1.1.0/24 lookup 254",
    "rule: ip -6 rule delete priority 5100 to fd00:1:1::/64 lookup 254",
    "route: ip route delete unreachable 10.1.0.0/16 metric 4294967040",
    "route: ip route delete unreachable fd00:1::/32 metric 4294967040",
  ]);
});

Deno.test("planDatapath: without a bridge, without a guard", () => {
  const want: DatapathWant = { ...WANT, datapath: "ptp", guardClusterCidr: false };
  assertEquals(plan(want, { ...WELL, bridge: undefined, rules: [] }), [
    "rule: ip rule add priority 5100 to 10.1.1.0/24 lookup 254",
    "rule: ip -6 rule add priority 5100 to fd00:1:1::/64 lookup 254",
    "route: ip route delete unreachable 10.1.0.0/16 metric 4294967040",
    "route: ip route delete unreachable fd00:1::/32 metric 4294967040",
  ]);
});

Deno.test("planDatapath: a node that forwards keeps its own way out", () => {
  const sysctls = new Map(EMPTY.sysctls).set("net/ipv6/conf/eth0/accept_ra", "1")
    .set("net/ipv6/conf/eth1/accept_ra", "0");
  const facts = { ...EMPTY, advertisedLinks: ["eth0", "eth1"], sysctls };
  assertEquals(plan(WANT, facts).slice(0, 2), [
    "sysctl: sysctl -w net/ipv6/conf/eth0/accept_ra=2",
    "sysctl: sysctl -w net/ipv4/ip_forward=1",
  ]);
  const onlyIpv4 = { ...WANT, podCidrs: WANT.podCidrs.slice(0, 1) };
  assertEquals(plan(onlyIpv4, facts)[0], "sysctl: sysctl -w net/ipv4/ip_forward=1");
});

Deno.test("planDatapathRemoval: takes what is ours and nothing else", () => {
  const rules = [...WELL.rules, foreign(rule("10.9.0.0/16"))];
  const routes = [...WELL.routes, foreign(guard("10.9.0.0/16"))];
  const mends = planDatapathRemoval({ rules, routes });
  assertEquals(mends.map(({ step }) => formatStep(step)), [
    "ip rule delete priority 5100 to 10.1.1.0/24 lookup 254",
    "ip -6 rule delete priority 5100 to fd00:1:1::/64 lookup 254",
    "ip route delete unreachable 10.1.0.0/16 metric 4294967040",
    "ip route delete unreachable fd00:1::/32 metric 4294967040",
  ]);
});

Deno.test("datapathSysctls: all that a plan looks at", () => {
  assertEquals(datapathSysctls(WANT, { advertisedLinks: ["eth0"] }).map((path) => path.join("/")), [
    "net/ipv4/ip_forward",
    "net/ipv6/conf/all/forwarding",
    "net/ipv6/conf/eth0/accept_ra",
    "net/ipv6/conf/headcni0/accept_ra",
    "net/ipv6/conf/headcni0/accept_dad",
  ]);
});

function plan(want: DatapathWant, have: DatapathFacts): string[] {
  return planDatapath(want, have).map(({ part, step }) => `${part}: ${formatStep(step)}`);
}

function bridgeAddress(text: string, protocol = 72): LinkAddress {
  return {
    linkIndex: 7,
    address: parsePrefix(text),
    scope: 0,
    tentative: false,
    protocol,
  };
}

/** As the kernel makes it: IFAPROT_KERNEL_LL, linux/if_addr.h. */
function linkLocal(text: string): LinkAddress {
  return { ...bridgeAddress(text, 3), scope: 253 };
}

function rule(to: string): KernelRule {
  const prefix = parsePrefix(to);
  const { family } = prefix.address;
  return { family, priority: RULE_PRIORITY, to: prefix, table: 254, protocol: 72 };
}

function guard(destination: string): KernelRoute {
  return {
    destination: parsePrefix(destination),
    onlink: false,
    priority: GUARD_METRIC,
    table: 254,
    scope: 0,
    protocol: 72,
    routeType: 7,
  };
}

/** The same, but made by an administrator: RTPROT_STATIC. */
function foreign<T extends { readonly protocol: number }>(one: T): T {
  return { ...one, protocol: 4 };
}
