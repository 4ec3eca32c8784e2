/** What several looks at a node share: each thing is asked once, and only if somebody wants it. */
import type { AttachContext } from "../../attach/context.ts";
import type { Look, SettingsSight } from "../../doctor/sight.ts";
import { errorText, HeadcniError } from "../../errors.ts";
import { findAccess } from "../../kube/access.ts";
import { KubeClient, KubeError, type KubeNode } from "../../kube/client.ts";
import { parsePrefix, type Prefix } from "../../net/prefix.ts";
import type { ClusterNetworks } from "../../node/cluster_networks.ts";
import type { PodCidrFinding } from "../../node/computed_pod_cidr.ts";
import { discoverPodCidrs, type Discovery } from "../discover.ts";
import { type HostSight, lookAtHost } from "../host_sight.ts";
import { podCidrFinding } from "../kube_link.ts";
import { foreignRoutes } from "../node_turn.ts";
import type { LoadedSettings } from "../settings/settings.ts";
import { NodeStores } from "../stores.ts";
import { askWhatIsSeen, type DaemonWord } from "./ask_what_is_seen.ts";
import { within } from "./within.ts";

/** What an examination works with. */
export interface DoctorOptions {
  /** Those of the daemon; all defaults where they cannot be used. */
  readonly loaded: LoadedSettings;
  readonly settings: Look<SettingsSight>;
  /** With the directories of the settings. */
  readonly attach: AttachContext;
  /** What the node's own paths are below; empty on the node itself. */
  readonly root: string;
  /** Path of the program that is installed, else of our executable; undefined when we run from our source. */
  readonly executable: string | undefined;
}

/** The API server's word. */
export interface ApiAnswer {
  readonly source: string;
  /** Undefined when it has no such node. */
  readonly node: KubeNode | undefined;
  readonly finding: PodCidrFinding;
}

/** The network of the pods that is used, and how it would be chosen now. */
export interface FoundNetwork {
  readonly own: Discovery;
  readonly chosen: {
    readonly cidrs: readonly Prefix[];
    readonly source: string;
    readonly origin: string;
  } | undefined;
  readonly cluster: ClusterNetworks;
}

/** How long the lock of a store is waited for, in milliseconds: ADD and DEL hold it for some 10. */
const LOCK_TIMEOUT_MS = 2_000;
/** How long the API server may take: most checks wait for its word. */
const API_TIMEOUT_MS = 3_000;

/** A node that is being looked at; dispose of it to close what was opened. */
export class Scene implements AsyncDisposable {
  readonly options: DoctorOptions;
  readonly stores: NodeStores;
  #daemon: Promise<DaemonWord> | undefined;
  #api: Promise<ApiAnswer> | undefined;
  #network: Promise<FoundNetwork> | undefined;
  #sight: HostSight | undefined;

  constructor(options: DoctorOptions) {
    const { runDirectory, dataDirectory, self } = options.attach;
    this.options = options;
    this.stores = new NodeStores({
      ...{ runDirectory, dataDirectory, self },
      lockTimeoutMs: LOCK_TIMEOUT_MS,
    });
  }

  /** What the daemon says. */
  daemon(): Promise<DaemonWord> {
    return this.#daemon ??= askWhatIsSeen(this.options.loaded.settings);
  }

  /**
   * What the API server says.
   * @throws Error that tells why it cannot be asked.
   */
  api(): Promise<ApiAnswer> {
    return this.#api ??= this.#askApi();
  }

  /** The network of the node's pods: the daemon's where one answers, else as it would choose it. */
  network(): Promise<FoundNetwork> {
    return this.#network ??= this.#findNetwork();
  }

  /**
   * Links and routes of the node.
   * @throws KernelError.
   */
  sight(): HostSight {
    if (this.#sight) return this.#sight;
    using host = this.options.attach.node.openHost();
    return this.#sight = lookAtHost(host);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stores[Symbol.asyncDispose]();
  }

  async #askApi(): Promise<ApiAnswer> {
    const { loaded: { settings: { kube, node } }, attach, root } = this.options;
    if (kube.access === "off") throw new Error("kube.access is off");
    const access = findAccess({ kubeconfig: kube.kubeconfig, env: attach.env, root });
    if (!access) throw new Error("there is no kubeconfig, and no service account");
    using client = new KubeClient(access);
    const found = await within(API_TIMEOUT_MS, client.getNode(node.name)).catch((error) => {
      if (error instanceof KubeError && error.status === NOT_FOUND) return undefined;
      throw error;
    });
    return { source: access.source, node: found, finding: podCidrFinding(found, node.name) };
  }

  async #findNetwork(): Promise<FoundNetwork> {
    const { loaded, attach, root } = this.options;
    const { settings } = loaded;
    const [{ status }, apiServer] = await Promise.all([
      // Who may not ask it learns that by the check of the daemon.
      this.daemon().catch(() => ({ status: undefined })),
      settings.kube.access === "off" ? undefined : this.api().then(
        ({ finding }) => finding,
        (error): PodCidrFinding => ({ fault: errorText(error) }),
      ),
    ]);
    const inUse = status?.podCidrs.map(parsePrefix) ?? [];
    const own = discoverPodCidrs(loaded, {
      root,
      environment: attach.env.NODE_POD_CIDR || undefined,
      apiServer,
      hostRoutes: foreignRoutes(this.sight(), settings.network.bridge),
      inUse,
    });
    if (!status || inUse.length === 0) return { own, chosen: own.chosen, cluster: own.cluster };
    const { source, origin, clusterCidrs, serviceCidrs } = status;
    return {
      own,
      chosen: { cidrs: inUse, source: source ?? "daemon", origin: origin ?? "the daemon" },
      cluster: {
        ...own.cluster,
        clusterCidrs: clusterCidrs.map(parsePrefix),
        serviceCidrs: serviceCidrs.map(parsePrefix),
      },
    };
  }
}

/** HTTP: there is no such node. */
const NOT_FOUND = 404;

/** @throws HeadcniError when the network of the pods is not known. */
export function requireNetwork<T>(chosen: T | undefined): T {
  if (chosen !== undefined) return chosen;
  throw new HeadcniError("no-pod-cidr", "no PodCIDR is known");
}
