/** What is tried from a pod, in its order. */
import { type Address, formatAddress } from "../../net/address.ts";
import { gatewayOf } from "../../node/gateway_of.ts";
import type { ProbeTarget } from "../mesh/probe.ts";
import {
  type Endpoint,
  reachByEcho,
  reachByTcp,
  reachNameServer,
  type ReachOptions,
} from "./reach.ts";
import type { Attempt, TrialHead } from "./trial.ts";
import type { TrialPod } from "./trial_pod.ts";

/** What is reached for; a text in the place of a target says why there is none. */
export interface Targets {
  readonly remotes: readonly ProbeTarget[] | string;
  readonly dns: Address | string;
  readonly service: Endpoint | string;
  readonly external: Endpoint | Address | string;
  /** How long each attempt waits for an answer. */
  readonly timeoutMs: number;
  /** Ends it early; the pods are taken away all the same. */
  readonly signal: AbortSignal;
}

/** Two pods, and what is asked for. */
interface Stage {
  readonly one: TrialPod;
  readonly other: TrialPod;
  readonly order: Targets;
}

/** A trial between attaching and detaching; a text says why it is skipped. */
export interface Plan {
  readonly head: TrialHead;
  plan(stage: Stage): Attempt[] | string;
}

const NO_ADDRESS = "the pods have no address";
const OUTSIDE = 'see "Pods cannot reach the outside" in the README';
const ELSEWHERE = "headcni mesh check --probe names what is wrong; with datapath ptp a node " +
  "answers as long as it has a pod";

/** All of them. */
export const PLANS: readonly Plan[] = [
  {
    head: { id: "gateway", title: "a pod reaches its gateway", fix: OUTSIDE },
    plan: ({ one, order }) =>
      attempts(one.gateways, (gateway) => echo(one, gateway, order), "the pod has no gateway"),
  },
  {
    head: { id: "from-node", title: "the node reaches a pod, as probes do", fix: OUTSIDE },
    plan: ({ one, order }) =>
      attempts(one.addresses, (address) => ({
        what: `node -> ${formatAddress(address)}`,
        failure: reachByEcho(address, { ...order, within: (fn) => fn() }),
      }), NO_ADDRESS),
  },
  {
    head: {
      id: "pod-to-pod",
      title: "a pod reaches another of this node",
      fix: "portIsolation forbids it; else see the firewall of the node",
    },
    plan: ({ one, other, order }) =>
      attempts(
        [[one, other], [other, one]] as const,
        ([from, to]) => to.addresses.map((address) => echo(from, address, order)),
        NO_ADDRESS,
      ),
  },
  {
    head: {
      id: "mtu",
      title: "packets as large as the MTU pass",
      fix: "a link on the way has a smaller MTU: ip link; or set network.mtu",
    },
    plan: ({ one, other, order }) => {
      const bytes = one.mtuBytes();
      const targets = [...one.gateways, ...other.addresses];
      return attempts(targets, (target) => echo(one, target, order, bytes), NO_ADDRESS);
    },
  },
  {
    head: { id: "other-nodes", title: "pods of other nodes can be reached", fix: ELSEWHERE },
    plan: (stage) => remoteAttempts(stage),
  },
  {
    head: {
      id: "other-nodes-mtu",
      title: "packets as large as the MTU reach other nodes",
      fix: "lower network.mtu; new pods get it",
    },
    plan: (stage) => remoteAttempts(stage, stage.one.mtuBytes()),
  },
  {
    head: {
      id: "dns",
      title: "the name server of the cluster answers",
      fix: "kubectl -n kube-system get pods -l k8s-app=kube-dns; --dns names another server",
    },
    plan: ({ one, order: { dns, ...order } }) =>
      typeof dns === "string"
        ? dns
        : [{ what: arrow(one, dns), failure: reachNameServer(dns, within(one, order)) }],
  },
  {
    head: {
      id: "service",
      title: "a service answers",
      fix: "services are kube-proxy's: does it run on this node?",
    },
    plan: ({ one, order: { service, ...order } }) =>
      typeof service === "string" ? service : [tcp(one, service, order)],
  },
  {
    head: { id: "external", title: "the outside answers", fix: OUTSIDE },
    plan: ({ one, order }) => {
      const { external } = order;
      if (typeof external === "string") return external;
      return ["port" in external ? tcp(one, external, order) : echo(one, external, order)];
    },
  },
];

function remoteAttempts({ one, order }: Stage, packetBytes?: number): Attempt[] | string {
  const { remotes } = order;
  if (typeof remotes === "string") return remotes;
  const families = one.addresses.map(({ family }) => family);
  const online = remotes.filter(({ peer }) => peer.isOnline);
  if (remotes.length > online.length && online.length === 0) return "no other node is online";
  const targets = online.filter(({ prefix }) => families.includes(prefix.address.family));
  return attempts(targets, ({ peer, prefix }) => {
    const attempt = echo(one, gatewayOf(prefix).address, order, packetBytes);
    return { ...attempt, what: `${attempt.what} (${peer.hostName})` };
  }, "no other node serves pods");
}

/** How long an attempt waits, and what ends it. */
type Waits = Pick<Targets, "timeoutMs" | "signal">;

/** Those of all targets, or why there are none: a trial of nothing would pass. */
function attempts<T>(
  targets: readonly T[],
  attempt: (target: T) => Attempt | readonly Attempt[],
  none: string,
): Attempt[] | string {
  const all = targets.flatMap(attempt);
  return all.length > 0 ? all : none;
}

function echo(pod: TrialPod, target: Address, order: Waits, packetBytes?: number): Attempt {
  const size = packetBytes === undefined ? "" : `, ${packetBytes} bytes`;
  return {
    what: `${arrow(pod, target)}${size}`,
    failure: reachByEcho(target, within(pod, order), packetBytes),
  };
}

function tcp(pod: TrialPod, endpoint: Endpoint, order: Waits): Attempt {
  const what = `${arrow(pod, endpoint.address)} port ${endpoint.port}`;
  return { what, failure: reachByTcp(endpoint, within(pod, order)) };
}

function within(pod: TrialPod, { timeoutMs, signal }: Waits): ReachOptions {
  return { within: (fn) => pod.within(fn), timeoutMs, signal };
}

function arrow(pod: TrialPod, target: Address): string {
  const own = pod.addresses.find(({ family }) => family === target.family);
  return `${own ? formatAddress(own) : "pod"} -> ${formatAddress(target)}`;
}
