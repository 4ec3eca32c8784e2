import { assertEquals } from "@std/assert";
import type { FileFinding } from "../discovery/node_file.ts";
import { formatPrefix, parsePrefix, type Prefix } from "../net/prefix.ts";
import { chooseClusterNetworks, type ClusterFacts } from "./cluster_networks.ts";

function prefixes(texts: string): Prefix[] {
  return texts.split(" ").filter((text) => text !== "").map(parsePrefix);
}

function file(
  path: string,
  cluster: string,
  service: string,
  perNodeLengths: Record<number, number> = {},
): FileFinding {
  return {
    path,
    says: {
      ...{ nodeCidrs: [], clusterCidrs: prefixes(cluster), serviceCidrs: prefixes(service) },
      perNodeLengths,
    },
  };
}

const NOTHING: ClusterFacts = { base: [], serviceCidr: [], perNode: {}, files: [] };

Deno.test("chooseClusterNetworks: settings, then file by file, each kind for itself", () => {
  const files: FileFinding[] = [
    { path: "/broken", fault: "the file is empty" },
    file("/a", "", "10.96.0.0/12", { 4: 25 }),
    file("/b", "fd00::/48 10.244.0.0/16", "10.97.0.0/16", { 4: 26, 6: 72 }),
  ];
  const { clusterCidrs, serviceCidrs, perNodeLengths, reasons } = chooseClusterNetworks({
    ...NOTHING,
    files,
  });
  assertEquals(clusterCidrs.map(formatPrefix), ["10.244.0.0/16", "fd00::/48"]);
  assertEquals(serviceCidrs.map(formatPrefix), ["10.96.0.0/12"]);
  assertEquals(perNodeLengths, { 4: 25, 6: 72 });
  assertEquals(reasons, [
    'cluster CIDR: /b says "fd00::/48", "10.244.0.0/16": used',
    'service CIDR: /a says "10.96.0.0/12": used',
    'service CIDR: /b says "10.97.0.0/16": not used, /a is stronger',
  ]);
  const set = chooseClusterNetworks({
    ...{ base: prefixes("10.1.0.0/16"), serviceCidr: prefixes("10.2.0.0/16"), perNode: { 4: 22 } },
    files,
  });
  assertEquals(set.clusterCidrs.map(formatPrefix), ["10.1.0.0/16"]);
  assertEquals(set.serviceCidrs.map(formatPrefix), ["10.2.0.0/16"]);
  assertEquals(set.perNodeLengths, { 4: 22, 6: 72 });
});

Deno.test("chooseClusterNetworks: nobody says anything", () => {
  assertEquals(chooseClusterNetworks(NOTHING), {
    ...{ clusterCidrs: [], serviceCidrs: [], perNodeLengths: {} },
    reasons: ["cluster CIDR: nobody names one", "service CIDR: nobody names one"],
  });
});
