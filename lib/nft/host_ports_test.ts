import { assertEquals, assertThrows } from "@std/assert";
import { type Family, parseAddress } from "../net/address.ts";
import { formatHostPort, type HostPort } from "../net/host_port.ts";
import { parsePrefix } from "../net/prefix.ts";
import { elementOf, HOST_PORT_MAPS, hostPortOf, hostPortTable, mapOf } from "./host_ports.ts";
import { planTable } from "./plan.ts";

Deno.test("hostPortTable: maps, the sources to be masqueraded, and rules, nothing per pod", () => {
  const prerouting = dnatRules("prerouting", 4);
  assertEquals(commands([4]), [
    "add table inet headcni",
    "add set inet headcni hairpin4 { type ipv4_addr; flags interval; }",
    "add element inet headcni hairpin4 { 10.1.0.0/24, 127.0.0.0/8 }",
    "add map inet headcni hostports4 " +
    "{ type inet_proto . inet_service : ipv4_addr . inet_service; }",
    "add map inet headcni hostipports4 " +
    "{ type ipv4_addr . inet_proto . inet_service : ipv4_addr . inet_service; }",
    "add chain inet headcni loopback " +
    "{ type filter hook prerouting priority -300; policy accept; }",
    'add rule inet headcni loopback meta nfproto ipv4 iif != "lo" ip daddr 127.0.0.0/8 drop ' +
    `comment "headcni: loopback is the node's own, daddr"`,
    'add rule inet headcni loopback meta nfproto ipv4 iif != "lo" ip saddr 127.0.0.0/8 drop ' +
    `comment "headcni: loopback is the node's own, saddr"`,
    "add chain inet headcni postrouting " +
    "{ type nat hook postrouting priority 100; policy accept; }",
    "add rule inet headcni postrouting meta mark & 0x00002000 == 0x00002000 " +
    "masquerade fully-random " +
    'comment "headcni: masquerade who calls a host port from a pod or from loopback"',
    "add chain inet headcni prerouting " +
    "{ type nat hook prerouting priority -100; policy accept; }",
    ...prerouting,
    "add chain inet headcni output { type nat hook output priority -100; policy accept; }",
    ...dnatRules("output", 4),
  ]);
});

Deno.test("hostPortTable: IPv6 has no loopback to lead to pods, and no guard", () => {
  const all = commands([6]);
  assertEquals(all.filter((command) => /loopback \{|127\.|ipv4/.test(command)), []);
  assertEquals(all.filter((command) => command.startsWith("add element")), [
    "add element inet headcni hairpin6 { fd00:1::/64 }",
  ]);
  const rules = [...dnatRules("prerouting", 6), ...dnatRules("output", 6)];
  assertEquals(all.filter((command) => command.includes("dnat")), rules);
});

Deno.test("hostPortTable: nothing for no family", () => {
  assertEquals(commands([]), []);
});

Deno.test("hostPortTable: comments tell rules apart and are short enough for nft(8)", () => {
  const rules = hostPortTable([4, 6], []).chains.map((chain) => chain.rules);
  for (const comments of rules.map((each) => each.map(({ comment }) => comment))) {
    assertEquals(new Set(comments).size, comments.length);
    assertEquals(comments.filter((comment) => comment.length > 127), []);
  }
});

Deno.test("hostPortTable: registers as the kernel tells of them", () => {
  // As `nft --debug=netlink` shows them: the key's parts, then address and port of the value.
  const expected = { hostports4: [1, 9, 1, 9], hostipports4: [1, 9, 10, 1, 9] };
  const expected6 = { hostports6: [1, 9, 1, 2], hostipports6: [1, 2, 13, 1, 2] };
  const wanted: Record<string, number[]> = { ...expected, ...expected6 };
  const rules = hostPortTable([4, 6], []).chains.flatMap((chain) => chain.rules);
  for (const { name } of HOST_PORT_MAPS) {
    const uses = rules.flatMap(({ statements }) => statements)
      .filter(({ text }) => text.endsWith(`map @${name}`));
    assertEquals(uses.length, 4, name);
    for (const { expressions } of uses) {
      const lookup = expressions.findIndex((expression) => expression.name === "lookup");
      const nat = expressions.at(-1)?.data ?? [];
      const registers = [
        ...expressions.slice(0, lookup).map(({ data }) => data[0]?.[1]),
        ...nat.filter(([type]) => type === 3 || type === 5).map(([, value]) => value),
      ];
      assertEquals(registers, wanted[name], name);
    }
  }
});

Deno.test("hostPortTable: no packet is marked before the map has a destination for it", () => {
  const rules = hostPortTable([4, 6], []).chains.flatMap((chain) => chain.rules);
  const marking = rules.flatMap(({ statements }) => statements)
    .filter(({ text }) => text.includes("meta mark set"));
  assertEquals(marking.length, 8);
  for (const { expressions } of marking) {
    const names = expressions.map(({ name }) => name);
    assertEquals(names.slice(names.indexOf("lookup")), [
      "lookup",
      "meta",
      "bitwise",
      "meta",
      "nat",
    ]);
    const [, , bitwise] = expressions.slice(names.indexOf("lookup"));
    const mask = Uint8Array.fromHex("ffdfffff");
    const xor = Uint8Array.fromHex("00200000");
    assertEquals(bitwise?.data, [[1, 4], [2, 4], [3, 4], [4, [[1, mask]]], [5, [[1, xor]]]]);
  }
});

Deno.test("elementOf, hostPortOf: what is written is what is read", () => {
  const ports: [HostPort, string, string, string][] = [
    [
      port("tcp", undefined, "10.1.0.5"),
      "hostports4",
      "0600000004d20000",
      "0a01000500500000",
    ],
    [
      port("udp", "192.0.2.1", "10.1.0.5"),
      "hostipports4",
      "c00002011100000004d20000",
      "0a01000500500000",
    ],
    [
      port("sctp", undefined, "fd00::5"),
      "hostports6",
      "8400000004d20000",
      "fd00000000000000000000000000000500500000",
    ],
    [
      port("udp", "fd00::1", "fd00::5"),
      "hostipports6",
      "fd0000000000000000000000000000011100000004d20000",
      "fd00000000000000000000000000000500500000",
    ],
  ];
  for (const [each, name, key, value] of ports) {
    const map = mapOf(each);
    const element = elementOf(each, "veth1");
    const text = formatHostPort(each);
    assertEquals([map.name, element.key.toHex(), element.value.toHex()], [name, key, value], text);
    assertEquals(element.comment, "veth1");
    assertEquals(hostPortOf(map, element), each, text);
  }
});

Deno.test("hostPortOf: what others put into a map", () => {
  const [map] = HOST_PORT_MAPS;
  const read = (key: string, value: string) =>
    map && hostPortOf(map, {
      ...{ key: Uint8Array.fromHex(key), value: Uint8Array.fromHex(value), comment: "" },
    });
  assertEquals(read("0100000004d20000", "0a01000500500000"), undefined); // ICMP
  assertThrows(() => read("06000000", "0a01000500500000"), RangeError);
  assertThrows(() => read("0600000004d20000", ""), RangeError);
});

/** The rules of one family, in either chain. */
function dnatRules(chain: string, family: Family): string[] {
  const header = family === 4 ? "ip" : "ip6";
  const local = `fib daddr type local ${family === 6 ? "ip6 daddr != ::1 " : ""}`;
  const maps: [string, string, string, string][] = [
    ["any address", local, "meta l4proto . th dport", `hostports${family}`],
    ["one address", "", `${header} daddr . meta l4proto . th dport`, `hostipports${family}`],
  ];
  return maps.flatMap(([words, match, key, map]) =>
    [true, false].map((isHairpin) =>
      `add rule inet headcni ${chain} meta nfproto ipv${family} ${match}` +
      `${header} saddr ${isHairpin ? "" : "!= "}@hairpin${family} ` +
      `${isHairpin ? "meta mark set meta mark | 0x00002000 " : ""}` +
      `dnat ${header} to ${key} map @${map} comment "headcni: host ports of ${words}, ` +
      `IPv${family}${isHairpin ? ", to be masqueraded" : ""}"`
    )
  );
}

/** The commands of nft(8) that make all of it. */
function commands(families: readonly Family[]): string[] {
  const table = hostPortTable(families, ["10.1.0.9/24", "fd00:1::9/64"].map(parsePrefix));
  return planTable(table, { sets: new Map(), rules: new Map() }).map(({ text }) => text);
}

function port(
  protocol: HostPort["protocol"],
  hostIp: string | undefined,
  target: string,
): HostPort {
  return {
    protocol,
    hostPort: 1234,
    hostIp: hostIp === undefined ? undefined : parseAddress(hostIp),
    target: parseAddress(target),
    targetPort: 80,
  };
}
