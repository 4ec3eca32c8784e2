import { assertEquals } from "@std/assert";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { cString, WireWriter } from "../wire/attribute.ts";
import { networksToTell, unknownToFirewalld } from "./firewalld.ts";
import * as nf from "./nf_tables.ts";
import { writeTree } from "./tree.ts";

const NETWORKS = ["10.244.0.0/16", "fd00:9::/44"].map(parsePrefix);

/** What a rule compares, and the networks that no rule tells firewalld of. */
const ROWS: Readonly<Record<string, readonly [readonly Uint8Array[], readonly string[]]>> = {
  "rules of a fresh firewalld": [[bytes("02"), cString("lo"), bytes("0a00")], [
    "10.244.0.0/16",
    "fd00:9::/44",
  ]],
  "ip saddr 10.244.0.0/16": [[bytes("0af4")], ["fd00:9::/44"]],
  "ip daddr 10.0.0.0/8": [[bytes("0a")], ["fd00:9::/44"]],
  "ip saddr 10.240.0.0/12": [[bytes("0af00000")], ["fd00:9::/44"]],
  "ip saddr 10.244.1.0/24, a part of it": [[bytes("0af401")], ["10.244.0.0/16", "fd00:9::/44"]],
  "ip6 saddr fd00:9::/44": [[bytes(`fd000009${"0".repeat(24)}`)], ["10.244.0.0/16"]],
  "iifname headcni0": [[bytes("686561" + "64636e6930" + "00".repeat(8))], []],
  "iifname headcni01": [[cString("headcni01")], ["10.244.0.0/16", "fd00:9::/44"]],
};

for (const [name, [values, unknown]] of Object.entries(ROWS)) {
  Deno.test(`unknownToFirewalld: ${name}`, () => {
    const rules = values.map((value) => rule(value));
    const found = unknownToFirewalld(NETWORKS, "headcni0", rules);
    assertEquals(found.map(formatPrefix), unknown);
  });
}

Deno.test("networksToTell: the cluster's, and those of the node that are in none of them", () => {
  const tell = (pods: string[], cluster: string[]) =>
    networksToTell(pods.map(parsePrefix), cluster.map(parsePrefix)).map(formatPrefix);
  assertEquals(tell(["10.1.1.0/24", "fd00::/64"], ["10.1.0.0/16"]), ["10.1.0.0/16", "fd00::/64"]);
  assertEquals(tell(["10.1.1.0/24"], []), ["10.1.1.0/24"]);
});

function bytes(hex: string): Uint8Array {
  return Uint8Array.fromHex(hex);
}

/** A rule that compares a value, and counts. */
function rule(value: Uint8Array): Uint8Array {
  const writer = new WireWriter();
  const cmp = [[nf.NFTA_CMP_DATA, [[nf.NFTA_DATA_VALUE, value]]]] as const;
  writeTree(writer, [[nf.NFTA_RULE_EXPRESSIONS, [
    [nf.NFTA_LIST_ELEM, [[nf.NFTA_EXPR_NAME, "cmp"], [nf.NFTA_EXPR_DATA, cmp]]],
    [nf.NFTA_LIST_ELEM, [[nf.NFTA_EXPR_NAME, "counter"]]],
  ]]]);
  return writer.finish();
}
