import { assert, assertEquals } from "@std/assert";
import type { FileFinding, NodeFile } from "../discovery/node_file.ts";
import { formatPrefix, parsePrefix, type Prefix } from "../net/prefix.ts";
import { choosePodCidr, type PodCidrFacts } from "./pod_cidr.ts";

function prefixes(texts: string): Prefix[] {
  return texts.split(" ").filter((text) => text !== "").map(parsePrefix);
}

function file(path: string, node: string, cluster = ""): FileFinding {
  const says: NodeFile = {
    ...{ nodeCidrs: prefixes(node), clusterCidrs: prefixes(cluster) },
    ...{ serviceCidrs: [], perNodeLengths: {} },
  };
  return { path, says };
}

function lastGood(nodeName: string, cidrs: string): PodCidrFacts["lastGood"] {
  const since = "2026-01-01T00:00:00.000Z";
  return { says: { nodeName, cidrs: prefixes(cidrs), source: "file", origin: "/f", since } };
}

const NOTHING: PodCidrFacts = {
  ...{ nodeName: "node-1", nodeLocal: [], environment: undefined, files: [] },
  ...{ apiServer: undefined, lastGood: undefined, clusterCidrs: [], perNodeLengths: {} },
  ...{ mayCompute: false, mayUseDefault: false },
};

/** Each source with a CIDR of its own, the strongest first. */
const SOURCES: readonly (readonly [name: string, facts: Partial<PodCidrFacts>, cidr: string])[] = [
  ["config", { nodeLocal: prefixes("10.244.9.0/24") }, "10.244.9.0/24"],
  ["environment", { environment: "10.244.2.0/24" }, "10.244.2.0/24"],
  ["file", { files: [file("/f", "10.244.3.0/24")] }, "10.244.3.0/24"],
  ["api-server", { apiServer: { cidrs: prefixes("10.244.4.0/24") } }, "10.244.4.0/24"],
  ["last-good", { lastGood: lastGood("node-1", "10.244.5.0/24") }, "10.244.5.0/24"],
  ["computed", { mayCompute: true, clusterCidrs: prefixes("10.244.0.0/16") }, "10.244.1.0/24"],
  ["default", { mayUseDefault: true }, "10.244.0.0/24"],
];

function choose(facts: Partial<PodCidrFacts>) {
  const choice = choosePodCidr({ ...NOTHING, ...facts });
  return "missing" in choice
    ? { source: "missing", cidrs: "", reasons: choice.missing, isNodeLocal: false, origin: "" }
    : { ...choice, cidrs: choice.cidrs.map(formatPrefix).join(" ") };
}

Deno.test("choosePodCidr: each source alone, and all that are weaker beside it", () => {
  for (const [index, [name, facts, cidr]] of SOURCES.entries()) {
    const weaker = SOURCES.slice(index).reduce((all, [, each]) => ({ ...all, ...each }), {});
    for (const each of [facts, weaker]) {
      const { source, cidrs, isNodeLocal, reasons } = choose(each);
      assertEquals([source, cidrs], [name, cidr]);
      assertEquals(isNodeLocal, name !== "computed" && name !== "default");
      assertEquals(reasons.length, SOURCES.length);
      assertEquals(reasons.findIndex((reason) => reason.endsWith(": used")), index);
    }
  }
});

Deno.test("choosePodCidr: nothing is computed or taken as default without opt-in", () => {
  const { source, reasons } = choose({
    clusterCidrs: prefixes("10.244.0.0/16"),
    files: [file("/etc/k.yaml", "", "10.244.0.0/16"), { path: "/b", fault: "the file is empty" }],
  });
  assertEquals(source, "missing");
  assertEquals(reasons, [
    "network.podCIDR.nodeLocal: not set",
    "NODE_POD_CIDR: not set",
    '/etc/k.yaml: says nothing of this node, only of the whole cluster: "10.244.0.0/16"',
    "/b: the file is empty",
    "API server: not to be asked",
    "last good value: there is none",
    "hash of the node's name: not allowed: two nodes may get the same",
    "default: not allowed: every node would get the same",
  ]);
});

Deno.test("choosePodCidr: the default is the first part of what the cluster has, if that is known", () => {
  const rows: readonly (readonly [Partial<PodCidrFacts>, cidrs: string])[] = [
    [{}, "10.244.0.0/24"],
    [{ clusterCidrs: prefixes("10.42.0.0/16 fd00:42::/48") }, "10.42.0.0/24 fd00:42::/64"],
    [{ clusterCidrs: prefixes("10.42.0.0/16"), perNodeLengths: { 4: 26 } }, "10.42.0.0/26"],
    [{ clusterCidrs: prefixes("10.42.0.0/26") }, ""],
  ];
  for (const [facts, cidrs] of rows) {
    assertEquals(choose({ mayUseDefault: true, ...facts }).cidrs, cidrs);
  }
});

Deno.test("choosePodCidr: a cluster's CIDR in a node's place is not taken", () => {
  const whole = file("/kubelet", "10.200.0.0/16");
  const reason = '/kubelet: says "10.200.0.0/16", which is the whole cluster\'s';
  for (
    const facts of [
      { files: [whole], clusterCidrs: prefixes("10.200.0.0/16") },
      { files: [whole], clusterCidrs: prefixes("10.200.128.0/17") },
      { files: [whole, file("/manager", "", "10.200.0.0/16")] },
    ]
  ) {
    const { source, reasons } = choose(facts);
    assertEquals(source, "missing");
    assert(reasons.includes(reason), reasons.join("\n"));
  }
  assertEquals(choose({ files: [whole] }).source, "file");
});

Deno.test("choosePodCidr: one source names both families, or the other stays away", () => {
  const { cidrs, reasons } = choose({
    environment: "10.244.2.0/24",
    apiServer: { cidrs: prefixes("fd00::/64 10.244.2.0/24") },
    files: [file("/f", "10.244.2.0/24")],
  });
  assertEquals(cidrs, "10.244.2.0/24");
  assertEquals(reasons.slice(1, 4), [
    'NODE_POD_CIDR: says "10.244.2.0/24": used',
    '/f: says "10.244.2.0/24", too',
    'API server: says "10.244.2.0/24", "fd00::/64": not used, NODE_POD_CIDR is stronger',
  ]);
  const both = choose({ environment: " fd00::/64, 10.244.2.0/24 " });
  assertEquals(both.cidrs, "10.244.2.0/24 fd00::/64");
});

Deno.test("choosePodCidr: what a source says wrongly is told, and the next one asked", () => {
  const good = { lastGood: lastGood("node-1", "10.244.5.0/24") };
  const rows: readonly (readonly [facts: Partial<PodCidrFacts>, reason: string])[] = [
    [
      { environment: "10.244.1.0/33" },
      'NODE_POD_CIDR: an IP prefix wanted, got "10.244.1.0/33"',
    ],
    [{ environment: " , " }, "NODE_POD_CIDR: not set"],
    [
      { nodeLocal: prefixes("10.0.0.0/24 10.0.1.0/24") },
      'network.podCIDR.nodeLocal: one CIDR a family wanted for a node, got "10.0.0.0/24", "10.0.1.0/24"',
    ],
    [{ apiServer: { cidrs: [] } }, "API server: names none"],
    [{ apiServer: { fault: "answers 401" } }, "API server: answers 401"],
  ];
  for (const [facts, reason] of rows) {
    const { source, reasons } = choose({ ...good, ...facts });
    assertEquals(source, "last-good");
    assert(reasons.includes(reason), reasons.join("\n"));
  }
});

Deno.test("choosePodCidr: host bits of what a person wrote are dropped", () => {
  assertEquals(choose({ nodeLocal: prefixes("10.244.1.1/24") }).cidrs, "10.244.1.0/24");
  assertEquals(choose({ environment: "10.244.1.1/24" }).cidrs, "10.244.1.0/24");
});

Deno.test("choosePodCidr: no last good value of another node, nor of another cluster", () => {
  const rows: readonly (readonly [Partial<PodCidrFacts>, reason: string])[] = [
    [
      { lastGood: lastGood("node-2", "10.244.5.0/24") },
      'last good value: it is of the node "node-2"',
    ],
    [
      { lastGood: lastGood("node-1", "10.244.5.0/24"), clusterCidrs: prefixes("10.42.0.0/16") },
      'last good value: "10.244.5.0/24" is outside of the cluster\'s "10.42.0.0/16"',
    ],
    [{ lastGood: { fault: "Cannot use it" } }, "last good value: Cannot use it"],
  ];
  for (const [facts, reason] of rows) {
    const { source, reasons } = choose(facts);
    assertEquals(source, "missing");
    assert(reasons.includes(reason), reasons.join("\n"));
  }
  const known = { clusterCidrs: prefixes("10.244.0.0/16") };
  assertEquals(
    choose({ lastGood: lastGood("node-1", "10.244.5.0/24"), ...known }).source,
    "last-good",
  );
});
