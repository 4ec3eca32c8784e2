import { assertEquals } from "@std/assert";
import { parsePrefix } from "../net/prefix.ts";
import { WireWriter } from "../wire/attribute.ts";
import { FORWARD_CHAIN, type ForwardState, planForwardAccept } from "./forward_accept.ts";
import * as nf from "./nf_tables.ts";
import { type Tree, writeTree } from "./tree.ts";

const POD_CIDRS = ["10.1.1.0/24", "fd00:1::/64"].map(parsePrefix);
const COUNTER = expression("counter", [[1, 7n], [2, 9n]]);
const JUMP = expression("immediate", [
  [nf.NFTA_IMMEDIATE_DREG, 0],
  [nf.NFTA_IMMEDIATE_DATA, [[nf.NFTA_DATA_VERDICT, [
    [nf.NFTA_VERDICT_CODE, nf.NFT_JUMP],
    [nf.NFTA_VERDICT_CHAIN, FORWARD_CHAIN],
  ]]]],
]);

const FRESH: ForwardState = {
  table: { family: nf.NFPROTO_IPV4, name: "filter" },
  accepts: undefined,
  chains: [{ name: "FORWARD", drops: true, rules: [rule(1n, COUNTER)] }],
};
const ADD_ACCEPTS = [
  'add rule ip filter HEADCNI-FORWARD ip saddr 10.1.1.0/24 accept comment "headcni: from pods"',
  'add rule ip filter HEADCNI-FORWARD ip daddr 10.1.1.0/24 accept comment "headcni: to pods"',
];
const INSERT = "insert rule ip filter FORWARD jump HEADCNI-FORWARD " +
  'comment "headcni: forward pods"';
const REMOVE_CHAIN = [
  "flush chain ip filter HEADCNI-FORWARD",
  "delete chain ip filter HEADCNI-FORWARD",
];
/** What the kernel has after {@linkcode planForwardAccept}. */
const ACCEPTS = planForwardAccept(POD_CIDRS, FRESH).slice(1, 3)
  .map(({ attributes }) => encode(attributes));

Deno.test("planForwardAccept: one rule leads to a chain of ours, both in one transaction", () => {
  assertEquals(plan(FRESH), ["add chain ip filter HEADCNI-FORWARD", ...ADD_ACCEPTS, INSERT]);
  const inet = { ...FRESH, table: { family: nf.NFPROTO_INET, name: "fw" } };
  assertEquals(
    plan(inet)[3],
    "add rule inet fw HEADCNI-FORWARD meta nfproto ipv6 " +
      'ip6 saddr fd00:1::/64 accept comment "headcni: from pods"',
  );
});

Deno.test("planForwardAccept: nothing to do where all is there, whoever wrote the rule", () => {
  const rules = [rule(1n, COUNTER), rule(2n, COUNTER, JUMP)];
  assertEquals(plan(state(rules, ACCEPTS)), []);
});

Deno.test("planForwardAccept: mends a chain of ours as a whole, and removes doubles", () => {
  const rules = [rule(2n, JUMP), rule(3n, JUMP)];
  assertEquals(plan(state(rules, ACCEPTS.slice(1))), [
    "flush chain ip filter HEADCNI-FORWARD",
    ...ADD_ACCEPTS,
    "delete rule ip filter FORWARD handle 3",
  ]);
  assertEquals(plan(state([], ACCEPTS)), [INSERT]);
});

Deno.test("planForwardAccept: takes all away where it is not needed, rules first", () => {
  const rules = [rule(1n, COUNTER), rule(2n, JUMP)];
  const removal = ["delete rule ip filter FORWARD handle 2", ...REMOVE_CHAIN];
  assertEquals(plan(state(rules, ACCEPTS), []), removal);
  assertEquals(plan(state(rules, ACCEPTS, false)), removal);
  // A table of IPv4 has nothing to do with pods of IPv6.
  assertEquals(plan(FRESH, ["fd00:1::/64"]), []);
});

function plan(have: ForwardState, podCidrs?: readonly string[]): string[] {
  return planForwardAccept(podCidrs?.map(parsePrefix) ?? POD_CIDRS, have).map(({ text }) => text);
}

function state(
  rules: readonly Uint8Array[],
  accepts: readonly Uint8Array[],
  drops = true,
): ForwardState {
  return { ...FRESH, accepts, chains: [{ name: "FORWARD", drops, rules }] };
}

function rule(handle: bigint, ...program: readonly Tree[number][]): Uint8Array {
  return encode([[nf.NFTA_RULE_HANDLE, handle], [nf.NFTA_RULE_EXPRESSIONS, program]]);
}

function expression(name: string, data: Tree): Tree[number] {
  return [nf.NFTA_LIST_ELEM, [[nf.NFTA_EXPR_NAME, name], [nf.NFTA_EXPR_DATA, data]]];
}

function encode(tree: Tree): Uint8Array {
  const writer = new WireWriter();
  writeTree(writer, tree);
  return writer.finish();
}
