/** The metrics of a node as the table of README, in Markdown. */
import type { MetricFamily } from "../../lib/daemon/exposition.ts";
import { nodeFamilies, type NodeSnapshot } from "../../lib/daemon/metrics.ts";
import { meshReport } from "./mesh_report.ts";

/** A row for each family, with its labels as the daemon prints them. */
export function formatMetricsTable(): string {
  return [
    "| name | type | labels | meaning |",
    "| --- | --- | --- | --- |",
    ...nodeFamilies(SNAPSHOT).map(formatRow),
  ].join("\n");
}

function formatRow({ name, type, samples, help }: MetricFamily): string {
  const labels = new Set(samples.flatMap(({ labels }) => Object.keys(labels)));
  labels.delete("le"); // each histogram has it
  const names = Array.from(labels, (label) => `\`${label}\``).join(", ");
  return `| \`${name}\` | ${type} | ${names} | ${help} |`;
}

/** A node with a sample of each family. */
const SNAPSHOT: NodeSnapshot = {
  counters: [
    { metric: "allocations", labels: ["headcni", ""], value: 2n },
    { metric: "releases", labels: ["headcni", ""], value: 1n },
    { metric: "errors", labels: ["headcni", "pool-exhausted"], value: 1n },
    { metric: "reclaimed", labels: ["headcni"], value: 1n },
    { metric: "restored", labels: ["headcni"], value: 1n },
    { metric: "durations", labels: ["headcni", "50"], value: 2n },
    { metric: "duration_milliseconds", labels: ["headcni"], value: 80n },
  ],
  networks: [{ network: "headcni", leases: 1, capacity: 253 }],
  loops: [{
    name: "CNIService",
    intervalMs: 30_000,
    startedMs: 0,
    turnedMs: 1,
    turningSinceMs: undefined,
    aliveMs: 0,
    tookMs: 1,
    error: undefined,
    turns: 1,
    failures: 0,
  }],
  podCidrs: [{ cidr: "10.244.1.0/24", source: "config" }],
  podCidrAgeSeconds: 1,
  repairs: new Map([["bridge", 1]]),
  repairFailures: 0,
  health: { overall: true },
  mesh: meshReport(),
};
