import { assert, assertEquals } from "@std/assert";
import { containsPrefix, formatPrefix, hasHostBits, parsePrefix } from "../net/prefix.ts";
import { computePodCidrs } from "./computed_pod_cidr.ts";

function compute(name: string, clusters: string, lengths: Record<number, number> = {}): string {
  const finding = computePodCidrs(name, clusters.split(" ").map(parsePrefix), lengths);
  return "fault" in finding ? finding.fault : finding.cidrs.map(formatPrefix).join(" ");
}

Deno.test("computePodCidrs: the same for a name, whatever the release", () => {
  // By an independent implementation: a changed share would take the addresses of living pods.
  assertEquals(compute("node-1", "10.244.0.0/16"), "10.244.1.0/24");
  assertEquals(
    compute("node-1", "10.244.0.0/16 fd00:10::/48"),
    "10.244.1.0/24 fd00:10:0:9501::/64",
  );
  assertEquals(compute("node-1", "10.0.0.0/8", { 4: 20 }), "10.80.16.0/20");
});

Deno.test("computePodCidrs: a share of the network, spread over all of it", () => {
  for (const [cluster = "", length = 0] of [["10.128.0.0/9", 26], ["fd00::/16", 64]] as const) {
    const base = parsePrefix(cluster);
    const seen = new Set<string>();
    for (let node = 0; node < 500; node++) {
      const text = compute(`worker-${node}.example.org`, cluster, { 4: 26, 6: 64 });
      const share = parsePrefix(text);
      assert(containsPrefix(base, share) && !hasHostBits(share) && share.length === length, text);
      seen.add(text);
    }
    assert(seen.size > 490, `${seen.size} shares`);
  }
  const few = Array.from({ length: 500 }, (_, node) => compute(`n${node}`, "10.0.0.0/20"));
  assertEquals(new Set(few).size, 16);
});

Deno.test("computePodCidrs: what cannot be divided is told", () => {
  assertEquals(
    compute("n", "10.0.0.0/16 fd00::/64"),
    "a node's /64 is no part of the cluster's \"fd00::/64\"; set network.podCIDR.perNode",
  );
  assert(compute("n", "10.0.0.0/24").startsWith("a node's /24 is no part"));
  assert(compute("n", "10.0.0.0/24", { 4: 33 }).startsWith("a node's /33 is no part"));
  assertEquals(compute("", "10.0.0.0/8"), "the name of the node is not known");
  assertEquals(computePodCidrs("n", [], {}), {
    fault: "the cluster's CIDR is not known; set network.podCIDR.base",
  });
});
