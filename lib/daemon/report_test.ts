import { assertEquals } from "@std/assert";
import { parsePrefix } from "../net/prefix.ts";
import type { Discovery } from "./discover.ts";
import { emptyReport, localProblems, type NodeReport, readinessReasons } from "./report.ts";
import { loadSettings } from "./settings/load.ts";
import { readFlags } from "./settings/read_flags.ts";
import { nodeStatus } from "./tell_status.ts";
import { meshReport } from "../../tests/fakes/mesh_report.ts";

const CLUSTER = {
  clusterCidrs: [],
  serviceCidrs: [],
  perNodeLengths: { 4: 24, 6: 64 },
  reasons: [],
};
const VERDICT = { refused: [], warnings: [] };
const MISSING: Discovery = {
  chosen: undefined,
  cluster: CLUSTER,
  verdict: VERDICT,
  reasons: ["API server: not to be asked", "local files: none"],
};
const FOUND: Discovery = {
  chosen: {
    cidrs: [parsePrefix("10.9.0.0/24")],
    source: "file",
    origin: "/x",
    isNodeLocal: true,
    reasons: [],
  },
  cluster: CLUSTER,
  verdict: VERDICT,
  reasons: ["/x: says 10.9.0.0/24: used"],
};

const NO_NETWORK =
  "no network for the pods of this node: API server: not to be asked; local files: none";

const ROWS: readonly {
  readonly what: string;
  readonly report: Partial<NodeReport>;
  readonly ready: readonly string[];
  readonly problems?: readonly string[];
}[] = [
  { what: "nothing was looked at", report: {}, ready: ["the node has not been looked at yet"] },
  {
    what: "no source names a network",
    report: { discovery: MISSING },
    ready: [NO_NETWORK],
    problems: [NO_NETWORK],
  },
  {
    what: "the network went, but the configuration is there",
    report: { discovery: MISSING, isConfigured: true },
    ready: [NO_NETWORK],
    problems: [NO_NETWORK],
  },
  {
    what: "the configuration is not there yet",
    report: { discovery: FOUND },
    ready: ["the network configuration is not in its place"],
  },
  {
    what: "something failed, and pods can come all the same",
    report: { discovery: FOUND, isConfigured: true, failures: ["forward_accept: no luck"] },
    ready: ["forward_accept: no luck"],
  },
  {
    what: "the API server is no part of it",
    report: {
      discovery: FOUND,
      isConfigured: true,
      kubeTrouble: "it is gone",
    },
    ready: [],
  },
  {
    what: "the tailnet was not looked at yet",
    report: { discovery: FOUND, isConfigured: true, hasMesh: true },
    ready: ["mesh: the tailnet has not been looked at yet"],
  },
  {
    what: "the tailnet was looked at before pods had this network",
    report: {
      discovery: FOUND,
      isConfigured: true,
      localCidrs: [parsePrefix("10.9.0.0/24")],
      mesh: meshReport(1, { podCidrs: [] }),
    },
    ready: ["mesh: the tailnet has not been looked at yet"],
  },
  {
    what: "the tailnet was looked at since pods have this network",
    report: {
      discovery: FOUND,
      isConfigured: true,
      localCidrs: [parsePrefix("10.244.1.0/24")],
      mesh: meshReport(),
    },
    ready: [],
  },
  {
    what: "pods of other nodes do not reach ours",
    report: {
      discovery: FOUND,
      isConfigured: true,
      hasMesh: true,
      mesh: meshReport(1, { reasons: ["mesh: no luck"] }),
    },
    ready: ["mesh: no luck"],
  },
];

for (const { what, report, ready, problems = [] } of ROWS) {
  Deno.test(`readinessReasons: ${what}`, () => {
    const whole = { ...emptyReport(), ...report };
    assertEquals(readinessReasons(whole), ready);
    assertEquals(localProblems(whole), problems);
  });
}

Deno.test("nodeStatus: before the first look, and after it", () => {
  const line = readFlags(["--node-name", "edge-7"]);
  const loaded = loadSettings({ line, env: {}, defaultPath: "/nonexistent" });
  const first = nodeStatus(loaded, emptyReport());
  assertEquals([first.ready, first.podCidrs, first.source, first.since], [false, [], null, null]);
  const { ready, podCidrs, source, origin, sources, repairs, apiServer } = nodeStatus(loaded, {
    ...emptyReport(),
    discovery: FOUND,
    isConfigured: true,
    kubeTrouble: "it is gone",
    repairs: new Map([["rule", 2]]),
  });
  assertEquals({ ready, podCidrs, source, origin, sources, repairs, apiServer }, {
    ready: true,
    podCidrs: ["10.9.0.0/24"],
    source: "file",
    origin: "/x",
    sources: ["/x: says 10.9.0.0/24: used"],
    repairs: { rule: 2 },
    apiServer: "it is gone",
  });
});
