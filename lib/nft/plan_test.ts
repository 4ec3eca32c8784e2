import { assertEquals } from "@std/assert";
import { parsePrefix } from "../net/prefix.ts";
import { WireWriter } from "../wire/attribute.ts";
import { type Interval, intervalOf } from "./interval.ts";
import type { PacketMap } from "./map.ts";
import { NFTA_RULE_HANDLE } from "./nf_tables.ts";
import { planTable } from "./plan.ts";
import { type Rule, ruleTree } from "./rule.ts";
import { masquerade, matchAddress, matchFamily } from "./statement.ts";
import type { Table } from "./table.ts";
import { writeTree } from "./tree.ts";

const RULE: Rule = {
  comment: "ours",
  statements: [matchFamily(4), matchAddress(4, "saddr", "==", "pods"), masquerade()],
};
const WANT: Table = {
  sets: [{ name: "pods", family: 4, intervals: intervals("10.1.0.0/24", "10.2.0.0/24") }],
  maps: [],
  chains: [{
    name: "postrouting",
    type: "nat",
    hook: "postrouting",
    priority: 100,
    rules: [RULE],
  }],
};
const PRESENT = intervals("10.1.0.0/24", "10.2.0.0/24");

const ADD_TABLE = "add table inet headcni";
const ADD_SET = "add set inet headcni pods { type ipv4_addr; flags interval; }";
const ADD_CHAIN =
  "add chain inet headcni postrouting { type nat hook postrouting priority 100; policy accept; }";
const ADD_RULE = "add rule inet headcni postrouting meta nfproto ipv4 ip saddr @pods " +
  'masquerade fully-random comment "ours"';

Deno.test("planTable: adds what is missing and nothing else", () => {
  const ours = kernelRule(RULE, 5n);
  const changed = kernelRule({ ...RULE, statements: [masquerade()] }, 6n);
  const longer = kernelRule({ ...RULE, statements: [...RULE.statements, masquerade()] }, 7n);
  const foreign = kernelRule({ ...RULE, comment: "not ours" }, 8n);
  const cases: [string, readonly Interval[] | undefined, Uint8Array[], string[]][] = [
    ["all is there", PRESENT, [ours], []],
    ["with more elements and rules", intervals("10.0.0.0/8", "1.1.1.1/32"), [foreign, ours], []],
    ["nothing is there", undefined, [], [
      ADD_TABLE,
      ADD_SET,
      "add element inet headcni pods { 10.1.0.0/24, 10.2.0.0/24 }",
      ADD_CHAIN,
      ADD_RULE,
    ]],
    ["elements deleted", [], [ours], [
      ADD_TABLE,
      "add element inet headcni pods { 10.1.0.0/24, 10.2.0.0/24 }",
    ]],
    ["one element deleted", intervals("10.2.0.0/24"), [ours], [
      ADD_TABLE,
      "add element inet headcni pods { 10.1.0.0/24 }",
    ]],
    ["an element overlaps", intervals("10.1.0.128/25", "10.2.0.0/24"), [ours], [
      ADD_TABLE,
      "delete element inet headcni pods { 10.1.0.128/25 }",
      "add element inet headcni pods { 10.1.0.0/24 }",
    ]],
    ["rule or chain deleted", PRESENT, [foreign], [ADD_TABLE, ADD_CHAIN, ADD_RULE]],
    ["rule changed", PRESENT, [changed], [
      ADD_TABLE,
      ADD_CHAIN,
      "delete rule inet headcni postrouting handle 6",
      ADD_RULE,
    ]],
    ["rule doubled", PRESENT, [ours, longer, kernelRule(RULE, 9n)], [
      ADD_TABLE,
      ADD_CHAIN,
      "delete rule inet headcni postrouting handle 7",
      "delete rule inet headcni postrouting handle 9",
    ]],
  ];
  for (const [name, pods, rules, expected] of cases) {
    const have = {
      sets: new Map(pods ? [["pods", pods]] : []),
      rules: new Map([["postrouting", rules]]),
    };
    assertEquals(planTable(WANT, have).map(({ text }) => text), expected, name);
  }
});

Deno.test("planTable: wanted exactly, what others put into a set goes", () => {
  const have = {
    sets: new Map([["pods", intervals("10.0.0.0/8", "10.2.0.0/24")]]),
    rules: new Map([["postrouting", [kernelRule(RULE, 5n)]]]),
  };
  assertEquals(planTable(WANT, have, "exactly").map(({ text }) => text), [
    ADD_TABLE,
    "delete element inet headcni pods { 10.0.0.0/8 }",
    "add element inet headcni pods { 10.1.0.0/24 }",
  ]);
  const right = { ...have, sets: new Map([["pods", PRESENT]]) };
  assertEquals(planTable(WANT, right, "exactly"), []);
});

Deno.test("planTable: maps go with the rules that refer to them", () => {
  const map: PacketMap = { name: "ports", key: ["inet_proto"], value: ["ipv4_addr"] };
  const want: Table = { ...WANT, maps: [map] };
  const plan = (rules: Uint8Array[]) => {
    const have = { sets: new Map([["pods", PRESENT]]), rules: new Map([["postrouting", rules]]) };
    return planTable(want, have).map(({ text }) => text);
  };
  assertEquals(plan([kernelRule(RULE, 5n)]), []);
  assertEquals(plan([]), [
    ADD_TABLE,
    "add map inet headcni ports { type inet_proto : ipv4_addr; }",
    ADD_CHAIN,
    ADD_RULE,
  ]);
});

Deno.test("planTable: an empty want needs nothing, not even the table", () => {
  assertEquals(
    planTable({ sets: [], maps: [], chains: [] }, { sets: new Map(), rules: new Map() }),
    [],
  );
});

function intervals(...prefixes: readonly string[]): Interval[] {
  return prefixes.map((prefix) => intervalOf(parsePrefix(prefix)));
}

/** A rule as the kernel would send it. */
function kernelRule(rule: Rule, handle: bigint): Uint8Array {
  const writer = new WireWriter();
  writeTree(writer, [[NFTA_RULE_HANDLE, handle], ...ruleTree(rule)]);
  return writer.finish();
}
