/** The connections of a cluster, tried from a workstation by pods that Kubernetes makes. */
import {
  judgeAttempts,
  skipTrial,
  type Trial,
  type TrialHead,
} from "../../../lib/daemon/connect/trial.ts";
import { Kubectl } from "../../../lib/delegate/kubectl.ts";
import { errorText } from "../../../lib/errors.ts";
import { choosePods } from "../cluster/daemon_pods.ts";
import type { NodeTarget } from "../cluster/target.ts";
import { CLUSTER_PLANS, type ClusterTargets, type PodAttempt } from "./cluster_plans.ts";
import {
  inPod,
  removeOldTestPods,
  removeTestPods,
  startTestPods,
  type TestPod,
} from "./test_pods.ts";

/** What is tried, and where. */
export interface ClusterOrder extends ClusterTargets {
  readonly target: NodeTarget;
  readonly image: string;
  /** Until pods run, in seconds. */
  readonly startSeconds: number;
  /** Ends it early; the pods are removed all the same. */
  readonly signal: AbortSignal;
  onTrial(trial: Trial): void;
}

/** Makes all trials, one after the other. @throws ClientError when the cluster cannot be asked at all. */
export async function tryCluster(order: ClusterOrder): Promise<Trial[]> {
  const kubectl = new Kubectl(order.target.access);
  const trials: Trial[] = [];
  const told = (trial: Trial) => {
    trials.push(trial);
    order.onTrial(trial);
  };
  const chosen = await choosePods(kubectl, order.target);
  told(
    await judgeAttempts(
      DAEMON,
      chosen.map(({ node, trouble, ...pod }) => {
        const seen = trouble ??
          ("isReady" in pod && !pod.isReady ? "not ready: see /readyz" : undefined);
        return { what: node, failure: Promise.resolve(seen) };
      }),
    ),
  );
  const run = crypto.randomUUID().slice(0, 8);
  try {
    const nodes = chosen.filter((one) => "name" in one).map(({ node }) => node);
    const [pods, started] = await start(kubectl, run, nodes, order);
    told(started);
    for (const { head, plan } of CLUSTER_PLANS) {
      const planned = pods.length === 0
        ? "there is no pod to try it from"
        : order.signal.aborted
        ? "interrupted"
        : plan(pods, order);
      told(
        typeof planned === "string"
          ? skipTrial(head, planned)
          : await attempt(kubectl, head, planned),
      );
    }
  } finally {
    const failure = removeTestPods(kubectl, run).then(() => undefined, errorText);
    told(await judgeAttempts(DETACH, [{ what: "pods", failure }]));
  }
  return trials;
}

async function start(
  kubectl: Kubectl,
  run: string,
  nodes: readonly string[],
  { image, startSeconds }: ClusterOrder,
): Promise<[TestPod[], Trial]> {
  try {
    await removeOldTestPods(kubectl);
    const pods = await startTestPods(kubectl, { nodes, image, run, startSeconds });
    const attempts = pods.map(({ node, addresses }) => ({
      what: `${node} ${addresses.join(" ")}`,
      failure: Promise.resolve(addresses.length > 0 ? undefined : "it has no address"),
    }));
    return [pods, await judgeAttempts(START, attempts)];
  } catch (error) {
    const failure = Promise.resolve(errorText(error));
    return [[], await judgeAttempts(START, [{ what: image, failure }])];
  }
}

const DAEMON: TrialHead = {
  id: "daemon",
  title: "HeadCNI runs on the nodes",
  fix: "headcni cluster status; headcni logs --node NAME",
};
const START: TrialHead = {
  id: "attach",
  title: "pods start and get addresses",
  fix: "kubectl describe pod; --image names an image that the nodes can have",
};
const DETACH: TrialHead = {
  id: "detach",
  title: "pods go",
  fix: "kubectl delete pods --selector=app.kubernetes.io/name=headcni-connect-test",
};

/** All pods at once; each line of a pod's answer is one attempt. */
async function attempt(
  kubectl: Kubectl,
  head: TrialHead,
  planned: readonly PodAttempt[],
): Promise<Trial> {
  return await judgeAttempts(
    head,
    planned.flatMap(({ from, script, words, names }) => {
      const answers = kubectl.try(inPod(from, script, words), { deadlineMs: ANSWER_DEADLINE_MS })
        .then(({ stdout, stderr }) => ({ lines: stdout.trim().split("\n"), stderr }));
      return names.map((name, index) => ({
        what: `${from.node} -> ${name}`,
        failure: answers.then(({ lines, stderr }) => {
          const line = lines[index];
          if (line === "ok") return undefined;
          return line === "no" ? "no answer" : stderr.trim() || "the pod did not answer";
        }, errorText),
      }));
    }),
  );
}

/** Longer than all pings of a large cluster that get no answer. */
const ANSWER_DEADLINE_MS = 600_000;
