import { assertEquals } from "@std/assert";
import { parseAddress } from "../net/address.ts";
import { macFromAddress } from "../net/mac.ts";
import { parsePrefix } from "../net/prefix.ts";
import { formatStep } from "./format.ts";
import type { Step } from "./step.ts";

const MAC = macFromAddress(parseAddress("10.9.0.2"));
const DEFAULT_ROUTE = {
  destination: parsePrefix("0.0.0.0/0"),
  gateway: parseAddress("10.9.0.1"),
  link: "eth0",
};

const LINES: readonly [Step, string][] = [
  [{ kind: "add-bridge", name: "br0" }, "ip link add name br0 up type bridge"],
  [
    { kind: "add-bridge", name: "br0", mtuBytes: 1280, mac: MAC },
    "ip link add name br0 mtu 1280 address 0a:58:0a:09:00:02 up type bridge",
  ],
  [
    {
      kind: "add-veth",
      name: "veth0",
      mtuBytes: 1280,
      alias: "net ctr eth0",
      peer: { name: "eth0", mac: MAC },
    },
    "ip link add name veth0 mtu 1280 alias 'net ctr eth0' type veth " +
    "peer name eth0 netns pod address 0a:58:0a:09:00:02",
  ],
  [
    { kind: "add-ifb", name: "ifb9", mtuBytes: 1280, alias: "net ctr eth0" },
    "ip link add name ifb9 mtu 1280 alias 'net ctr eth0' up type ifb",
  ],
  [
    {
      kind: "limit-link",
      name: "veth0",
      rate: { bytesPerSecond: 5_000_000_000, burstBytes: 536_870_911 },
    },
    "tc qdisc replace dev veth0 root handle 1: tbf rate 5000000000bps burst 536870911 " +
    "limit 661870911",
  ],
  [
    { kind: "redirect-link", name: "veth0", to: "ifb9" },
    "tc qdisc replace dev veth0 ingress && " +
    "tc filter replace dev veth0 parent ffff: handle 800::800 prio 1 protocol all " +
    "u32 match u32 0 0 action mirred egress redirect dev ifb9",
  ],
  [
    { kind: "set-link", place: "host", name: "veth0", master: "br0", up: true },
    "ip link set dev veth0 master br0 up",
  ],
  [
    { kind: "set-link", place: "pod", name: "eth0", up: false, mtuBytes: 1300, mac: MAC },
    "ip -n pod link set dev eth0 mtu 1300 address 0a:58:0a:09:00:02 down",
  ],
  [
    { kind: "set-link", place: "host", name: "br0", promiscuous: false, alias: "a" },
    "ip link set dev br0 alias 'a' promisc off",
  ],
  [
    { kind: "set-bridge-port", name: "veth0", hairpin: true, isolated: false },
    "bridge link set dev veth0 hairpin on isolated off",
  ],
  [{ kind: "remove-link", place: "host", name: "veth0" }, "ip link delete dev veth0"],
  [{ kind: "remove-link", place: "pod", name: "eth0" }, "ip -n pod link delete dev eth0"],
  [
    { kind: "add-address", place: "pod", link: "eth0", address: parsePrefix("10.9.0.2/24") },
    "ip -n pod address add 10.9.0.2/24 dev eth0",
  ],
  [
    { kind: "add-address", place: "host", link: "br0", address: parsePrefix("fd09::1/64") },
    "ip address add fd09::1/64 dev br0 nodad",
  ],
  [
    { kind: "remove-address", place: "host", link: "br0", address: parsePrefix("fd09::1/64") },
    "ip address delete fd09::1/64 dev br0",
  ],
  [
    { kind: "add-route", place: "pod", route: DEFAULT_ROUTE },
    "ip -n pod route add 0.0.0.0/0 via 10.9.0.1 dev eth0",
  ],
  [
    {
      kind: "add-route",
      place: "host",
      route: {
        destination: parsePrefix("fd09:7::/64"),
        gateway: parseAddress("fd99::1"),
        link: "eth0",
        onlink: true,
        source: parseAddress("fd09::1"),
        mtuBytes: 1280,
        advmssBytes: 1220,
        priority: 9,
        table: 52,
        scope: 0,
      },
    },
    "ip route add fd09:7::/64 via fd99::1 dev eth0 onlink src fd09::1 mtu 1280 advmss 1220 " +
    "metric 9 table 52 scope 0",
  ],
  [
    {
      kind: "add-route",
      place: "host",
      route: { destination: parsePrefix("10.0.0.0/8"), unreachable: true, priority: 9000 },
    },
    "ip route add unreachable 10.0.0.0/8 metric 9000",
  ],
  [
    { kind: "remove-route", place: "pod", route: DEFAULT_ROUTE },
    "ip -n pod route delete 0.0.0.0/0 via 10.9.0.1 dev eth0",
  ],
  [
    {
      kind: "add-rule",
      place: "host",
      rule: { family: 4, priority: 5200, to: parsePrefix("10.9.0.0/24"), table: 254 },
    },
    "ip rule add priority 5200 to 10.9.0.0/24 lookup 254",
  ],
  [
    {
      kind: "remove-rule",
      place: "pod",
      rule: { family: 6, priority: 1, from: parsePrefix("fd09::/64"), table: 52 },
    },
    "ip -n pod -6 rule delete priority 1 from fd09::/64 lookup 52",
  ],
  [
    {
      kind: "set-sysctl",
      place: "host",
      path: ["net", "ipv4", "conf", "eth0.5", "arp_notify"],
      value: "1",
    },
    "sysctl -w net/ipv4/conf/eth0.5/arp_notify=1",
  ],
  [
    {
      kind: "set-sysctl",
      place: "pod",
      path: ["net", "ipv6", "conf", "all", "forwarding"],
      value: "0",
      optional: true,
    },
    "ip netns exec pod sysctl -e -w net/ipv6/conf/all/forwarding=0",
  ],
];

for (const [step, expected] of LINES) {
  Deno.test(`formatStep: ${expected}`, () => assertEquals(formatStep(step), expected));
}
