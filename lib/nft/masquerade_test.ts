import { assertEquals } from "@std/assert";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { masqueradeTable, TAILNET_PREFIXES } from "./masquerade.ts";
import { planTable } from "./plan.ts";

Deno.test("masqueradeTable: two sets and one rule per family", () => {
  const want = {
    sources: ["10.244.1.0/24", "fd00:0:0:1::/64"],
    exempt: ["10.244.0.0/16", "10.96.0.0/12", "fd00::/48"],
  };
  assertEquals(commands(want), [
    "add table inet headcni",
    "add set inet headcni masquerade4 { type ipv4_addr; flags interval; }",
    "add element inet headcni masquerade4 { 10.244.1.0/24 }",
    "add set inet headcni exempt4 { type ipv4_addr; flags interval; }",
    "add element inet headcni exempt4 { 10.96.0.0/12, 10.244.0.0/16, 224.0.0.0/4 }",
    "add set inet headcni masquerade6 { type ipv6_addr; flags interval; }",
    "add element inet headcni masquerade6 { fd00:0:0:1::/64 }",
    "add set inet headcni exempt6 { type ipv6_addr; flags interval; }",
    "add element inet headcni exempt6 { fd00::/48, ff00::/8 }",
    "add chain inet headcni postrouting " +
    "{ type nat hook postrouting priority 100; policy accept; }",
    "add rule inet headcni postrouting meta nfproto ipv4 ip saddr @masquerade4 " +
    'ip daddr != @exempt4 masquerade fully-random comment "headcni: masquerade pods, IPv4"',
    "add rule inet headcni postrouting meta nfproto ipv6 ip6 saddr @masquerade6 " +
    'ip6 daddr != @exempt6 masquerade fully-random comment "headcni: masquerade pods, IPv6"',
  ]);
});

Deno.test("masqueradeTable: sets hold networks, merged, sources always exempt", () => {
  const cases: [string, string[], string[], string[]][] = [
    ["nothing exempt", ["10.1.0.0/24"], [], ["10.1.0.0/24", "10.1.0.0/24, 224.0.0.0/4"]],
    ["host bits", ["10.1.0.5/24"], ["10.2.0.9/16"], [
      "10.1.0.0/24",
      "10.1.0.0/24, 10.2.0.0/16, 224.0.0.0/4",
    ]],
    ["overlaps", ["10.1.0.0/24", "10.1.0.0/16"], ["10.0.0.0/8"], [
      "10.1.0.0/16",
      "10.0.0.0/8, 224.0.0.0/4",
    ]],
    ["the other family exempt", ["fd00::/64"], ["10.0.0.0/8"], [
      "fd00::/64",
      "fd00::/64, ff00::/8",
    ]],
    ["no sources", [], ["10.0.0.0/8", "fd00::/8"], []],
  ];
  for (const [name, sources, exempt, expected] of cases) {
    const elements = commands({ sources, exempt })
      .filter((command) => command.startsWith("add element"))
      .map((command) => command.replace(/^.*\{ (.*) \}$/, "$1"));
    assertEquals(elements, expected, name);
  }
});

Deno.test("TAILNET_PREFIXES: what Tailscale hands out", () => {
  assertEquals(TAILNET_PREFIXES.map(formatPrefix), ["100.64.0.0/10", "fd7a:115c:a1e0::/48"]);
});

/** The commands of nft(8) that make all of it. */
function commands(want: { sources: string[]; exempt: string[] }): string[] {
  const table = masqueradeTable({
    sources: want.sources.map(parsePrefix),
    exempt: want.exempt.map(parsePrefix),
  });
  return planTable(table, { sets: new Map(), rules: new Map() }).map(({ text }) => text);
}
