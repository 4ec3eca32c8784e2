/** A workstation with a kubectl and a Helm that note what they are told, and answer as of a small cluster. */
import { clusterOf, daemonPod } from "../fakes/cluster.ts";
import { type RecordedAnswer, type RecordedCall, RecordedTools } from "../fakes/recorded_tools.ts";
import { runAdmin } from "../fakes/run_admin.ts";
import { type ProgramOutcome, runProgram } from "./program.ts";

/** Nodes of the cluster. */
export const NODES = ["edge-1", "edge-2"];
/** A chart that nobody looks into. */
export const CHART = ["--chart", "/charts/headcni"];

/** What kubectl says of the DaemonSets. @param ready how many pods of the daemon are ready. */
export function daemonSet(ready: number): RecordedAnswer {
  const labels = (component: string) => ({ "app.kubernetes.io/component": component });
  const namespace = "kube-system";
  const status = {
    ...{ desiredNumberScheduled: 2, currentNumberScheduled: 2, numberReady: ready },
    ...{ numberAvailable: ready, updatedNumberScheduled: 2 },
  };
  const items = [
    { metadata: { name: "headcni-tailscaled", namespace, labels: labels("tailscaled") } },
    { metadata: { name: "headcni", namespace, labels: labels("daemon") }, status },
  ];
  return { match: "*'get daemonsets'*", stdout: JSON.stringify({ items }) };
}

/** Of a cluster that is new enough. */
export const VERSION: RecordedAnswer = {
  match: "*version*",
  stdout: '{"serverVersion":{"gitVersion":"v1.34.4"}}',
};
const NODE_LIST: RecordedAnswer = {
  match: "*'get nodes --output=json'*",
  stdout: JSON.stringify({
    items: NODES.map((name) => ({
      metadata: {
        name,
        annotations: {
          "headcni.pod.cidr": "10.42.1.0/24",
          "headcni.pod.cidr.source": "api-server",
          "headcni.tailscale.ip": "100.64.0.7,fd7a:115c:a1e0::7",
          "headcni.node.key": "nodekey:aa",
        },
      },
      status: {
        conditions: [{ type: "Ready", status: "True" }],
        nodeInfo: { kubeletVersion: "v1.34.4" },
      },
    })),
  }),
};
/** Of a Helm that is new enough. */
export const HELM_VERSION: RecordedAnswer = { match: "*version*", stdout: "v3.19.0" };
const NO_RELEASE: RecordedAnswer = {
  match: "'history '*",
  stderr: "Error: release: not found\n",
  code: 1,
};

/** What Helm says of the revisions of a release, and their states. */
export function history(...revisions: readonly (readonly [number, string])[]): string {
  return JSON.stringify(
    revisions.map(([revision, status]) => ({
      ...{ revision, status, chart: "headcni-0.1.0", app_version: "0.1.0" },
    })),
  );
}

/** What the tools answer, before what they answer by default. */
export interface Workstation {
  readonly kubectl?: readonly RecordedAnswer[];
  readonly helm?: readonly RecordedAnswer[];
  readonly pods?: readonly unknown[];
  readonly ready?: number;
  readonly stdin?: string;
}

/** Runs `headcni cluster`; answers what it did. */
export async function cluster(
  { kubectl = [], helm = [], pods, ready = 2, stdin }: Workstation,
  ...args: readonly string[]
): Promise<ProgramOutcome & { calls: RecordedCall[] }> {
  const daemons = pods ?? NODES.map((node) => daemonPod(node));
  await using tools = await RecordedTools.make({
    kubectl: [...kubectl, VERSION, NODE_LIST, daemonSet(ready), ...clusterOf(daemons, NODES)],
    helm: [...helm, HELM_VERSION, NO_RELEASE],
  });
  const env = { PATH: `${tools.path}:${Deno.env.get("PATH")}` };
  const line = ["cluster", ...args];
  const outcome = stdin === undefined
    ? await runAdmin(line, env)
    : await runProgram({ args: line, env, stdin });
  return { ...outcome, calls: await tools.takeCalls() };
}

/** Words of a call without those that name the cluster. */
export function wordsOf({ tool, args }: RecordedCall): string {
  return [tool, ...args.filter((arg) => !/^--(namespace|output|kubeconfig|context)/.test(arg))]
    .join(" ");
}

/** Calls that change a cluster. */
export function changes(calls: readonly RecordedCall[]): string[] {
  return calls.map(wordsOf).filter((words) =>
    / (create|apply|delete|upgrade|rollback|uninstall|patch|exec) /.test(`${words} `)
  );
}
