import { assertEquals } from "@std/assert";
import { prefixes } from "../../../tests/fakes/tailnet.ts";
import { parsePrefix } from "../../net/prefix.ts";
import { probePeers } from "./probe.ts";

const PTP = ": with datapath ptp it is there as long as a pod is";

function targetsOf(cidrs: string, isOnline = true) {
  return prefixes(cidrs).map((prefix) => ({ peer: { hostName: "edge-8", isOnline }, prefix }));
}

Deno.test("probePeers: what comes of it is told for what it tells", async () => {
  const rows = [
    ["", true, "pass", "10.244.2.1 answers 10.244.1.1"],
    ["ECONNREFUSED", true, "pass", "10.244.2.1 answers 10.244.1.1"],
    ["ETIMEDOUT", true, "fail", "10.244.2.1 does not answer 10.244.1.1 (ETIMEDOUT)"],
    ["EACCES", true, "fail", "10.244.2.1 does not answer 10.244.1.1 (EACCES)"],
    [
      ...["ETIMEDOUT", false, "unknown"],
      "10.244.2.1 does not answer 10.244.1.1 (ETIMEDOUT): the node is offline",
    ],
    [
      ...["EHOSTUNREACH", true, "unknown"],
      `10.244.2.1 does not answer 10.244.1.1 (EHOSTUNREACH)${PTP}`,
    ],
    [
      ...["EADDRNOTAVAIL", true, "unknown"],
      `this node has no address 10.244.1.1 to send from${PTP}`,
    ],
  ] as const;
  for (const [code, isOnline, verdict, text] of rows) {
    const [prefix] = prefixes("10.244.2.0/24");
    const connect = () => Promise.resolve(code);
    assertEquals(
      await probePeers(prefixes("10.244.1.0/24"), targetsOf("10.244.2.0/24", isOnline), connect),
      [{ peer: "edge-8", verdict, text, prefix: prefix ?? parsePrefix("::/0") }],
    );
  }
});

Deno.test("probePeers: from the gateway of each family to that of the other node's, and no other", async () => {
  const asked: string[] = [];
  const connect = (from: string, to: string) =>
    Promise.resolve(asked.push(`${from} ${to}`) ? "" : "");
  const both = targetsOf("10.244.2.0/24 fd00:2::/64");
  await probePeers(prefixes("10.244.1.0/24 fd00:1::/64"), both, connect);
  await probePeers(prefixes("fd00:1::/64"), both, connect);
  await probePeers([], both, connect);
  assertEquals(asked, ["10.244.1.1 10.244.2.1", "fd00:1::1 fd00:2::1", "fd00:1::1 fd00:2::1"]);
});

Deno.test("probePeers: a kernel refuses, and one sends from no address that it has not", async () => {
  const verdicts = async (own: string) =>
    (await probePeers(prefixes(own), targetsOf("127.9.9.0/24"))).map(({ verdict }) => verdict);
  // All of 127.0.0.0/8 is on this machine, and 198.51.100.0/24 on none: RFC 5737.
  assertEquals(await verdicts("127.8.8.0/24"), ["pass"]);
  assertEquals(await verdicts("198.51.100.0/24"), ["unknown"]);
});
