/** What kubectl answers of a cluster of a test's own. */
import type { RecordedAnswer } from "./recorded_tools.ts";

/** A pod of the daemon as the API server tells it. */
export function daemonPod(node: string, changes: Readonly<Record<string, unknown>> = {}): unknown {
  const { state = { running: {} }, component = "daemon", ...rest } = changes;
  return {
    metadata: {
      name: `headcni-${node}`,
      labels: { "app.kubernetes.io/component": component },
      ...rest,
    },
    spec: {
      nodeName: node,
      containers: [{ name: "other", image: "x" }, { name: "daemon", image: "localhost/headcni:1" }],
    },
    status: {
      phase: "Running",
      containerStatuses: [{
        name: "daemon",
        ready: "running" in Object(state),
        restartCount: 2,
        state,
      }],
    },
  };
}

/** The answers about pods and nodes. */
export function clusterOf(pods: readonly unknown[], nodes: readonly string[]): RecordedAnswer[] {
  return [
    { match: "*'get pods '*", stdout: JSON.stringify({ items: pods }) },
    {
      match: "*'get nodes --output=name'*",
      stdout: nodes.map((node) => `node/${node}\n`).join(""),
    },
  ];
}
