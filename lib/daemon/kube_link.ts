/** What the daemon and the API server tell each other of this node. */
import type { PodCidrFinding } from "../node/computed_pod_cidr.ts";
import { type AccessSources, findAccess } from "../kube/access.ts";
import { KubeClient, KubeError, type KubeNode } from "../kube/client.ts";
import { ConfigError } from "../errors.ts";
import { log } from "../log.ts";
import { formatAddress } from "../net/address.ts";
import { formatPrefix, tryParsePrefix } from "../net/prefix.ts";
import { followNode, type FollowOptions } from "./follow_node.ts";
import type { NodeReport } from "./report.ts";
import type { Settings } from "./settings/settings.ts";

/**
 * Annotations of the older system, where the network was found, and since when it is so. The key of a
 * node is its public one.
 */
export const ANNOTATIONS = {
  cidr: "headcni.pod.cidr",
  source: "headcni.pod.cidr.source",
  since: "headcni.pod.cidr.since",
  tailnetAddress: "headcni.tailscale.ip",
  nodeKey: "headcni.node.key",
} as const;

/** HTTP: we may not. */
const FORBIDDEN = 403;

/** What the node's object says of the pods' network; undefined when there is no such object. */
export function podCidrFinding(node: KubeNode | undefined, name: string): PodCidrFinding {
  if (!node) return { fault: `it has no node "${name}"` };
  const { podCidrs } = node;
  if (podCidrs.length === 0) return { fault: "it has not assigned any yet" };
  const cidrs = podCidrs.map(tryParsePrefix);
  return cidrs.every((cidr) => cidr !== undefined)
    ? { cidrs }
    : { fault: `it says "${podCidrs}", which are no prefixes` };
}

/** The node's object at the API server; nothing depends on it. */
export class KubeLink {
  readonly #nodeName: string;
  /** Undefined when nobody is to be asked. */
  readonly #sources: AccessSources | undefined;
  #client: KubeClient | undefined;
  #trouble: string | undefined;
  #node: KubeNode | undefined;
  #isKnown = false;
  /** What was refused once is not asked for again. */
  readonly #refused = new Set<string>();

  constructor(
    { kube, node }: Pick<Settings, "kube" | "node">,
    env: Readonly<Record<string, string | undefined>>,
    root: string,
  ) {
    this.#nodeName = node.name;
    if (kube.access !== "off") this.#sources = { kubeconfig: kube.kubeconfig, env, root };
  }

  /** What the API server says of the pods' network; undefined when it is not to be asked. */
  get finding(): PodCidrFinding | undefined {
    if (!this.#sources) return undefined;
    if (!this.#isKnown) return { fault: this.#trouble ?? "it has not answered yet" };
    return podCidrFinding(this.#node, this.#nodeName);
  }

  /** Follows the node until the signal is aborted; a way to the server may come later than we do. */
  async follow(
    report: NodeReport,
    onChange: () => void,
    signal: AbortSignal,
    options: FollowOptions = {},
  ): Promise<void> {
    const sources = this.#sources;
    if (!sources) return;
    await followNode(
      () => this.#open(sources),
      this.#nodeName,
      {
        onNode: (node) => {
          this.#node = node;
          this.#isKnown = true;
          onChange();
        },
        onTrouble: (reason) => {
          this.#trouble = reason;
          report.kubeTrouble = reason;
        },
      },
      signal,
      options,
    );
  }

  /** Tells what is used, and that the node's network is there, as far as we may. */
  async tell(report: NodeReport, now: Date): Promise<void> {
    const { discovery, podCidrSince, isConfigured, mesh } = report;
    const { self } = mesh?.sight.status ?? {};
    const { chosen } = discovery ?? {};
    if (!this.#client || !this.#node || !chosen) return;
    const wanted = {
      [ANNOTATIONS.cidr]: chosen.cidrs.map(formatPrefix).join(","),
      [ANNOTATIONS.source]: chosen.source,
      ...podCidrSince !== undefined && { [ANNOTATIONS.since]: podCidrSince },
      ...self && {
        [ANNOTATIONS.tailnetAddress]: self.addresses.map(formatAddress).join(","),
        [ANNOTATIONS.nodeKey]: self.nodeKey,
      },
    };
    const { annotations, networkUnavailable } = this.#node;
    if (Object.entries(wanted).some(([name, value]) => annotations[name] !== value)) {
      await this.#patch({ metadata: { annotations: wanted } }, "");
    }
    if (isConfigured && networkUnavailable !== "False") {
      const time = now.toISOString().replace(/\.\d+/, "");
      const condition = {
        type: "NetworkUnavailable",
        status: "False",
        reason: "HeadCNIIsUp",
        message: "HeadCNI has set up the network of this node",
        lastTransitionTime: time,
        lastHeartbeatTime: time,
      };
      await this.#patch({ status: { conditions: [condition] } }, "status");
    }
  }

  close(): void {
    this.#client?.[Symbol.dispose]();
  }

  /** A client by what the files say now, in place of the one before. */
  #open(sources: AccessSources): KubeClient {
    this.close();
    this.#client = undefined;
    const access = findAccess(sources);
    if (!access) throw new ConfigError("invalid-config", "no kubeconfig, and no service account");
    this.#client = new KubeClient(access);
    return this.#client;
  }

  async #patch(patch: unknown, subresource: string): Promise<void> {
    if (this.#refused.has(subresource)) return;
    try {
      await this.#client?.patchNode(this.#nodeName, patch, subresource);
    } catch (error) {
      const isForbidden = error instanceof KubeError && error.status === FORBIDDEN;
      if (isForbidden) this.#refused.add(subresource);
      log[isForbidden ? "info" : "debug"]("Cannot tell the API server of this node", { error });
    }
  }
}
