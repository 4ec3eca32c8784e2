/** `headcni cluster status`: the release, its pods and the nodes, as the API server knows them. */
import type { Command } from "commander";
import * as v from "valibot";
import type { Environment } from "../../../lib/cni/environment.ts";
import { ANNOTATIONS } from "../../../lib/daemon/kube_link.ts";
import { Helm } from "../../../lib/delegate/helm.ts";
import { Kubectl } from "../../../lib/delegate/kubectl.ts";
import { errorText, HeadcniError } from "../../../lib/errors.ts";
import { parseWith } from "../../../lib/schema.ts";
import { outputOption } from "../command_line.ts";
import { type OutputFormat, print } from "../print.ts";
import type { Screen } from "../screen.ts";
import { formatRows, formatTable } from "../table.ts";
import { accessOf, type AccessOptions, addClusterVerb } from "./access_options.ts";
import { type DaemonPod, listDaemonPods } from "./daemon_pods.ts";
import { type DaemonSetView, findDaemonSet } from "./daemon_set.ts";
import { findRelease, type Release } from "./release.ts";

/** What it is told. */
interface StatusOptions extends AccessOptions {
  readonly showLogs?: boolean;
  readonly output: OutputFormat;
}

/** What `--output json` prints. */
export interface ClusterStatus {
  readonly nodes: readonly NodeView[];
  /** Null when there is none. */
  readonly daemonset: DaemonSetView | null;
  readonly pods: readonly PodView[];
  readonly cni: {
    /** Null without a release, and where Helm cannot tell. */
    readonly release: (Release & { readonly name: string }) | null;
    /** Why Helm cannot tell. */
    readonly trouble: string | null;
    readonly images: readonly string[];
    /** Nodes whose network is up, by their own word. */
    readonly nodes_ready: number;
  };
  readonly tailscale: {
    readonly nodes: readonly {
      readonly node: string;
      readonly addresses: readonly string[];
      readonly node_key: string;
    }[];
  };
}

interface NodeView {
  readonly name: string;
  readonly ready: boolean;
  readonly kubelet: string;
  /** Where its pods have their addresses; empty when the daemon has not told. */
  readonly pod_cidr: string;
  readonly pod_cidr_source: string;
  /** Name of the daemon's pod; null without one. */
  readonly pod: string | null;
}

interface PodView {
  readonly name: string;
  readonly node: string;
  readonly phase: string;
  readonly ready: boolean;
  readonly restarts: number;
  readonly image: string;
  readonly trouble: string | null;
}

const HELP = `
JSON: {"nodes": [{"name", "ready", "kubelet", "pod_cidr", "pod_cidr_source", "pod"}], "daemonset": {"name",
"namespace", "desired", "current", "ready", "available", "up_to_date"} or null, "pods": [{"name", "node",
"phase", "ready", "restarts", "image", "trouble"}], "cni": {"release", "trouble", "images", "nodes_ready"},
"tailscale": {"nodes": [{"node", "addresses", "node_key"}]}}

The exit code is 1 when the pod of a node is not ready, or none runs. "headcni status --all-nodes" asks
the nodes themselves.

Examples:
  headcni cluster status
  headcni cluster status --show-logs
  headcni cluster status --output json`;

const Text = v.optional(v.string(), "");
const NodeList = v.object({
  items: v.array(v.object({
    metadata: v.object({
      name: v.string(),
      annotations: v.optional(v.record(v.string(), v.string()), {}),
    }),
    status: v.object({
      conditions: v.optional(v.array(v.object({ type: v.string(), status: v.string() })), []),
      nodeInfo: v.optional(v.object({ kubeletVersion: Text }), {}),
    }),
  })),
});

type RawNode = v.InferOutput<typeof NodeList>["items"][number];

/** Adds the verb `status`. */
export function addStatus(cluster: Command, env: Environment): void {
  addClusterVerb(cluster, "status", "tell the release, its pods and the nodes of a cluster")
    .option("--show-logs", "the last lines of pods that are not ready")
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action(async (options: StatusOptions) => {
      const access = accessOf(options, env);
      const kubectl = new Kubectl(access);
      const status = await readStatus(kubectl, new Helm(access), options);
      await print(options.output, status, (screen) => formatStatus(status, screen));
      if (options.showLogs) await showLogs(kubectl, status);
      throwUnready(status, options);
    });
}

async function readStatus(
  kubectl: Kubectl,
  helm: Helm,
  options: AccessOptions,
): Promise<ClusterStatus> {
  const [answer, daemonset, pods, release] = await Promise.all([
    kubectl.get("list the nodes", ["nodes"]),
    findDaemonSet(kubectl, options),
    listDaemonPods(kubectl, options),
    findRelease(helm, options.releaseName).catch((error) => ({ trouble: errorText(error) })),
  ]);
  const { items } = parseWith(NodeList, answer, "the list of nodes");
  const isTold = release !== undefined && "revision" in release;
  return {
    nodes: items.map((node) => viewNode(node, pods)),
    daemonset: daemonset ?? null,
    pods: pods.map(viewPod),
    cni: {
      release: isTold ? { name: options.releaseName, ...release } : null,
      trouble: release && "trouble" in release ? release.trouble : null,
      images: [...new Set(pods.map(({ image }) => image))],
      nodes_ready: pods.filter(({ isReady }) => isReady).length,
    },
    tailscale: { nodes: items.flatMap(viewTailnet) },
  };
}

function viewNode({ metadata, status }: RawNode, pods: readonly DaemonPod[]): NodeView {
  const { name, annotations } = metadata;
  const ready = status.conditions.find(({ type }) => type === "Ready");
  return {
    name,
    ready: ready?.status === "True",
    kubelet: status.nodeInfo.kubeletVersion,
    pod_cidr: annotations[ANNOTATIONS.cidr] ?? "",
    pod_cidr_source: annotations[ANNOTATIONS.source] ?? "",
    pod: pods.find(({ node }) => node === name)?.name ?? null,
  };
}

function viewTailnet({ metadata: { name, annotations } }: RawNode) {
  const addresses = annotations[ANNOTATIONS.tailnetAddress] ?? "";
  const key = annotations[ANNOTATIONS.nodeKey] ?? "";
  return addresses === "" && key === "" ? [] : [{
    node: name,
    addresses: addresses.split(",").filter((each) => each !== ""),
    node_key: key,
  }];
}

function viewPod(pod: DaemonPod): PodView {
  const { name, node, phase, restarts, image } = pod;
  return { name, node, phase, ready: pod.isReady, restarts, image, trouble: pod.trouble ?? null };
}

function formatStatus(status: ClusterStatus, screen: Screen): string {
  const { nodes, daemonset, pods, cni, tailscale } = status;
  const { release } = cni;
  const head = [
    [
      "release",
      release
        ? `${release.name} revision ${release.revision}: ${release.status} (${release.chart})`
        : cni.trouble ?? "none",
    ],
    [
      "DaemonSet",
      daemonset
        ? `${daemonset.namespace}/${daemonset.name}: ${daemonset.ready} of ${daemonset.desired} ` +
          `ready, ${daemonset.up_to_date} up to date`
        : "none",
    ],
    ["image", cni.images.join(", ") || "-"],
  ];
  const rows = nodes.map(({ name, ready, pod_cidr, pod_cidr_source, pod, kubelet }) => {
    const found = pods.find((each) => each.name === pod);
    return [
      name,
      ready ? screen.pass("ready") : screen.fail("NOT READY"),
      found ? found.ready ? screen.pass("ready") : screen.fail("NOT READY") : screen.warn("none"),
      String(found?.restarts ?? "-"),
      pod_cidr ? `${pod_cidr} (${pod_cidr_source})` : "-",
      tailscale.nodes.find(({ node }) => node === name)?.addresses.join(",") || "-",
      kubelet,
    ];
  });
  const headings = ["NODE", "KUBERNETES", "HEADCNI", "RESTARTS", "PODS", "TAILNET", "KUBELET"];
  const troubles = pods.flatMap(({ node, trouble }) => trouble ? [`${node}: ${trouble}`] : []);
  return [
    formatRows(head, screen),
    "",
    formatTable(headings, rows, screen),
    ...troubles.length > 0 ? ["", ...troubles] : [],
  ].join("\n");
}

/** To standard error: JSON on standard output stays JSON. */
async function showLogs(kubectl: Kubectl, { pods }: ClusterStatus): Promise<void> {
  for (const { name, node, ready } of pods) {
    if (ready) continue;
    console.error(`== ${node}: ${name}`);
    const { stdout, stderr } = await kubectl.try(["logs", "--all-containers", "--tail=30", name]);
    console.error((stdout || stderr).trimEnd());
  }
}

function throwUnready({ daemonset, pods }: ClusterStatus, { releaseName }: StatusOptions): void {
  if (!daemonset) {
    const text = `Cannot find release "${releaseName}": no DaemonSet of it is in the cluster`;
    throw new HeadcniError("unavailable", `${text}; --namespace and --release-name name another`);
  }
  const unready = pods.filter(({ ready }) => !ready).map(({ node }) => node);
  if (unready.length === 0 && daemonset.ready >= daemonset.desired) return;
  const named = unready.length > 0 ? `, not ${unready.join(", ")}` : "";
  const { ready, desired } = daemonset;
  const text = `Cannot call it well: ${ready} of ${desired} nodes are ready${named}`;
  throw new HeadcniError("unavailable", text);
}
