/** What is tried from pods that Kubernetes made, in its order, by the tools of their image. */
import type { TrialHead } from "../../../lib/daemon/connect/trial.ts";
import type { TestPod } from "./test_pods.ts";

/** What is reached for. */
export interface ClusterTargets {
  /** An address, with or without a port behind it. */
  readonly external: readonly string[] | undefined;
  /** How long each attempt waits for an answer. */
  readonly answerSeconds: number;
}

/** What one pod tries: words of the script, one line of answer each. */
export interface PodAttempt {
  readonly from: TestPod;
  readonly script: string;
  readonly words: readonly string[];
  /** What each word is, for people. */
  readonly names: readonly string[];
}

interface ClusterPlan {
  readonly head: TrialHead;
  plan(pods: readonly TestPod[], order: ClusterTargets): PodAttempt[] | string;
}

const PING =
  'for a in "$@"; do ping -c 3 -W SECONDS "$a" >/dev/null 2>&1 && echo ok || echo no; done';
const LOOK_UP = 'for a in "$@"; do nslookup "$a" >/dev/null 2>&1 && echo ok || echo no; done';
// Not every nc has -z; without it one waits for the other end.
const CONNECT =
  '{ nc -z -w SECONDS "$1" "$2" || nc -w SECONDS "$1" "$2" </dev/null; } >/dev/null 2>&1 && ' +
  "echo ok || echo no";
/** Where the API server is, by the variables that every pod has. */
const CONNECT_API = CONNECT.replaceAll("$1", "$KUBERNETES_SERVICE_HOST")
  .replaceAll("$2", "$KUBERNETES_SERVICE_PORT");

/** All of them. */
export const CLUSTER_PLANS: readonly ClusterPlan[] = [
  {
    head: {
      id: "pod-to-pod",
      title: "a pod reaches another of its node",
      fix: "headcni connect-test on that node tells more",
    },
    plan: (pods, order) =>
      pings(pods, order, (one, other) => one.node === other.node, "no two pods of one node"),
  },
  {
    head: {
      id: "other-nodes",
      title: "pods reach those of other nodes",
      fix: "headcni mesh check --probe --node NAME names what is wrong",
    },
    plan: (pods, order) =>
      pings(pods, order, (one, other) => one.node !== other.node, "there is no other node"),
  },
  {
    head: {
      id: "dns",
      title: "the name server of the cluster answers",
      fix: "kubectl -n kube-system get pods -l k8s-app=kube-dns",
    },
    plan: (pods) =>
      oneOfEachNode(pods).map((from) => ({
        ...{ from, script: LOOK_UP, words: ["kubernetes.default"] },
        names: ["kubernetes.default"],
      })),
  },
  {
    head: {
      id: "service",
      title: "a service answers: the API server's",
      fix: "services are kube-proxy's: does it run on this node?",
    },
    plan: (pods, order) =>
      oneOfEachNode(pods).map((from) => ({
        ...{ from, script: within(CONNECT_API, order), words: [], names: ["service kubernetes"] },
      })),
  },
  {
    head: {
      id: "external",
      title: "the outside answers",
      fix: 'see "Pods cannot reach the outside" in the README',
    },
    plan: (pods, order) => {
      const { external } = order;
      if (!external) return "--external names an address";
      const script = within(external.length > 1 ? CONNECT : PING, order);
      const names = [external.join(" port ")];
      return oneOfEachNode(pods).map((from) => ({ from, script, words: external, names }));
    },
  },
];

function pings(
  pods: readonly TestPod[],
  order: ClusterTargets,
  isWanted: (one: TestPod, other: TestPod) => boolean,
  none: string,
): PodAttempt[] | string {
  const script = within(PING, order);
  const all = pods.map((from) => {
    const targets = pods.filter((to) => to.name !== from.name && isWanted(from, to))
      .flatMap(({ node, addresses }) => addresses.map((address) => ({ node, address })));
    const words = targets.map(({ address }) => address);
    return { from, script, words, names: targets.map(({ node, address }) => `${node} ${address}`) };
  }).filter(({ words }) => words.length > 0);
  return all.length > 0 ? all : none;
}

function oneOfEachNode(pods: readonly TestPod[]): TestPod[] {
  return pods.filter(({ node }, index) => pods.findIndex((each) => each.node === node) === index);
}

function within(script: string, { answerSeconds }: ClusterTargets): string {
  return script.replaceAll("SECONDS", String(Math.ceil(answerSeconds)));
}
