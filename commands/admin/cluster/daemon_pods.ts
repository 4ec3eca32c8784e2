/** The pods of the DaemonSet, by which nodes are reached. */
import * as v from "valibot";
import type { Kubectl } from "../../../lib/delegate/kubectl.ts";
import { ClientError } from "../../../lib/errors.ts";
import { parseWith } from "../../../lib/schema.ts";
import type { NodeTarget } from "./target.ts";

/** A pod of the daemon. */
export interface DaemonPod {
  readonly name: string;
  readonly node: string;
  readonly container: string;
  /** Why nothing can be run in it; undefined when something can. */
  readonly trouble: string | undefined;
  readonly isReady: boolean;
  readonly restarts: number;
  readonly image: string;
  readonly phase: string;
}

/** Names of the container of the daemon: the chart's, and that of the older one. */
const CONTAINERS: readonly string[] = ["daemon", "headcni-daemon"];
/** Of a tailscaled of our own, in a DaemonSet beside it. */
const OTHER_COMPONENT = "tailscaled";
const COMPONENT = "app.kubernetes.io/component";

const Reason = v.optional(v.object({ reason: v.optional(v.string(), "") }));
const PodList = v.object({
  items: v.array(v.object({
    metadata: v.object({
      name: v.string(),
      labels: v.optional(v.record(v.string(), v.string()), {}),
      deletionTimestamp: v.optional(v.string()),
    }),
    spec: v.object({
      nodeName: v.optional(v.string(), ""),
      containers: v.array(v.object({ name: v.string(), image: v.optional(v.string(), "") })),
    }),
    status: v.object({
      phase: v.optional(v.string(), "Unknown"),
      reason: v.optional(v.string(), ""),
      containerStatuses: v.optional(
        v.array(v.object({
          name: v.string(),
          ready: v.boolean(),
          restartCount: v.optional(v.number(), 0),
          state: v.optional(
            v.object({
              running: v.optional(v.unknown()),
              waiting: Reason,
              terminated: Reason,
            }),
            {},
          ),
        })),
        [],
      ),
    }),
  })),
});

type RawPod = v.InferOutput<typeof PodList>["items"][number];

/** The selector of all objects of a release. */
export function releaseSelector({ releaseName }: Pick<NodeTarget, "releaseName">): string {
  return `--selector=app.kubernetes.io/name=headcni,app.kubernetes.io/instance=${releaseName}`;
}

/**
 * Lists the daemon's pods, by the names of their nodes.
 * @throws ClientError when kubectl or the cluster cannot tell.
 */
export async function listDaemonPods(
  kubectl: Kubectl,
  target: Pick<NodeTarget, "releaseName">,
): Promise<DaemonPod[]> {
  const answer = await kubectl.get("find the pods of HeadCNI", ["pods", releaseSelector(target)]);
  const { items } = parseWith(PodList, answer, "the list of pods");
  return items.filter(({ metadata, spec }) =>
    spec.nodeName !== "" && metadata.labels[COMPONENT] !== OTHER_COMPONENT &&
    metadata.deletionTimestamp === undefined
  ).map(readPod).toSorted((one, other) => one.node < other.node ? -1 : 1);
}

/**
 * The pods of the wanted nodes, in their order; for a node without one the error that says why.
 * @throws ClientError when there is no pod at all.
 */
export async function choosePods(
  kubectl: Kubectl,
  target: NodeTarget,
): Promise<(DaemonPod | { readonly node: string; readonly trouble: string })[]> {
  const pods = await listDaemonPods(kubectl, target);
  if (pods.length === 0 && target.nodes === undefined) throw await noPods(kubectl, target);
  const nodes = target.nodes ?? pods.map(({ node }) => node);
  const known = nodes.every((node) => pods.some((pod) => pod.node === node))
    ? []
    : await listNodes(kubectl);
  return nodes.map((node) => {
    const pod = pods.find((each) => each.node === node);
    if (pod) return pod;
    const where = `of release "${target.releaseName}" in namespace "${target.access.namespace}"`;
    return {
      node,
      trouble: known.includes(node)
        ? `it has no pod of HeadCNI ${where}: see "headcni cluster status"`
        : `the cluster has no such node; it has ${known.join(", ") || "none"}`,
    };
  });
}

/** Names of all nodes of the cluster. @throws ClientError */
export async function listNodes(kubectl: Kubectl): Promise<string[]> {
  const text = await kubectl.run("list the nodes", ["get", "nodes", "--output=name"]);
  return text.split("\n").map((line) => line.trim().replace(/^node\//, ""))
    .filter((name) => name !== "");
}

async function noPods(kubectl: Kubectl, { access, releaseName }: NodeTarget): Promise<ClientError> {
  const nodes = await listNodes(kubectl);
  return new ClientError(
    "delegate-failure",
    `Cannot find a pod of HeadCNI: release "${releaseName}" has none in namespace ` +
      `"${access.namespace}", the cluster has ${nodes.length} nodes`,
    { details: "--namespace and --release-name name another; headcni cluster install installs it" },
  );
}

function readPod({ metadata, spec, status }: RawPod): DaemonPod {
  const { containers } = spec;
  const container = containers.find(({ name }) => CONTAINERS.includes(name)) ?? containers[0];
  const state = status.containerStatuses.find(({ name }) => name === container?.name);
  const why = state?.state.waiting?.reason || state?.state.terminated?.reason || status.reason;
  const isRunning = state?.state.running !== undefined;
  return {
    name: metadata.name,
    node: spec.nodeName,
    container: container?.name ?? "",
    trouble: isRunning
      ? undefined
      : `pod ${metadata.name} does not run: ${status.phase}${why ? ` (${why})` : ""}; ` +
        `see kubectl describe pod and logs`,
    isReady: state?.ready ?? false,
    restarts: state?.restartCount ?? 0,
    image: container?.image ?? "",
    phase: status.phase,
  };
}
