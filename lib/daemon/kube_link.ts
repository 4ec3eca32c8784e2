/** What the daemon and the API server tell each other of this node. */
import type { PodCidrFinding } from "../node/computed_pod_cidr.ts";
import { findAccess } from "../kube/access.ts";
import { KubeClient, KubeError, type KubeNode } from "../kube/client.ts";
import { errorText } from "../errors.ts";
import { log } from "../log.ts";
import { tryParsePrefix } from "../net/prefix.ts";
import { formatPrefix } from "../net/prefix.ts";
import { followNode } from "./follow_node.ts";
import type { NodeReport } from "./report.ts";
import type { Settings } from "./settings/settings.ts";

/** Annotations of the older system, and where the network was found. */
const ANNOTATIONS = { cidr: "headcni.pod.cidr", source: "headcni.pod.cidr.source" } as const;

/** HTTP: we may not. */
const FORBIDDEN = 403;

/** The node's object at the API server; nothing depends on it. */
export class KubeLink {
  readonly #nodeName: string;
  readonly #client: KubeClient | undefined;
  readonly #trouble: string | undefined;
  #node: KubeNode | undefined;
  #isKnown = false;
  /** What was refused once is not asked for again. */
  readonly #refused = new Set<string>();

  constructor(
    { kube, node }: Settings,
    env: Readonly<Record<string, string | undefined>>,
    root: string,
  ) {
    this.#nodeName = node.name;
    if (kube.access === "off") return;
    try {
      const access = findAccess({ kubeconfig: kube.kubeconfig, env, root });
      this.#client = access && new KubeClient(access);
      this.#trouble = access ? undefined : "no kubeconfig, and no service account";
    } catch (error) {
      this.#trouble = errorText(error);
    }
  }

  /** What the API server says of the pods' network; undefined when it is not to be asked. */
  get finding(): PodCidrFinding | undefined {
    if (!this.#client) return this.#trouble === undefined ? undefined : { fault: this.#trouble };
    if (!this.#isKnown) return { fault: "it has not answered yet" };
    if (!this.#node) return { fault: `it has no node "${this.#nodeName}"` };
    const { podCidrs } = this.#node;
    if (podCidrs.length === 0) return { fault: "it has not assigned any yet" };
    const cidrs = podCidrs.map(tryParsePrefix);
    return cidrs.every((cidr) => cidr !== undefined)
      ? { cidrs }
      : { fault: `it says "${podCidrs}", which are no prefixes` };
  }

  /** Follows the node until the signal is aborted. */
  async follow(report: NodeReport, onChange: () => void, signal: AbortSignal): Promise<void> {
    if (!this.#client) {
      report.kubeTrouble = this.#trouble;
      return;
    }
    await followNode(this.#client, this.#nodeName, {
      onNode: (node) => {
        this.#node = node;
        this.#isKnown = true;
        onChange();
      },
      onTrouble: (reason) => report.kubeTrouble = reason,
    }, signal);
  }

  /** Tells what is used, and that the node's network is there, as far as we may. */
  async tell({ discovery, isConfigured }: NodeReport, now: Date): Promise<void> {
    const { chosen } = discovery ?? {};
    if (!this.#client || !this.#node || !chosen) return;
    const wanted = {
      [ANNOTATIONS.cidr]: chosen.cidrs.map(formatPrefix).join(","),
      [ANNOTATIONS.source]: chosen.source,
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
