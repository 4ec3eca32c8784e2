/** The parts of a daemon that runs, and what they leave for each other. */
import type { AttachContext } from "../attach/context.ts";
import { LegacyForward } from "../delegate/legacy_forward.ts";
import { ConfigError, errorText } from "../errors.ts";
import { openKernelEvents } from "../linux/kernel_events.ts";
import { LinuxKeeper } from "../linux/keeper.ts";
import { notifyServiceManager } from "../linux/service_manager.ts";
import { log } from "../log.ts";
import { formatAddress } from "../net/address.ts";
import { equalPrefixSets } from "../net/prefix.ts";
import { EXPOSITION_TYPE, formatFamilies } from "./exposition.ts";
import { findStuck, reportHealth } from "./health.ts";
import { KubeLink } from "./kube_link.ts";
import { Loop } from "./loop.ts";
import { Mesh } from "./mesh/mesh.ts";
import { isConnected } from "./mesh/mesh_report.ts";
import { nodeFamilies } from "./metrics.ts";
import { cniDirectories } from "./node_files.ts";
import { tellOutcome, turnNode } from "./node_turn.ts";
import { reconcile, type Suspects } from "./reconcile.ts";
import {
  emptyReport,
  localProblems,
  type NodeReport,
  podCidrLabels,
  readinessReasons,
} from "./report.ts";
import { type Served, serveNode } from "./server.ts";
import type { LoadedSettings, Settings } from "./settings/settings.ts";
import { changedKeys } from "./settings/tell.ts";
import { readStoreUse } from "./store_use.ts";
import { NodeStores, type OpenStores } from "./stores.ts";
import { tailnetDeviceName } from "./tailnet_device.ts";
import { nodeStatus } from "./tell_status.ts";
import type { UpkeepContext } from "./upkeep.ts";
import { watchFolders } from "./watch_paths.ts";

/** What a daemon is started with. */
export interface DaemonOptions {
  readonly loaded: LoadedSettings;
  /** Reads the settings again, by the same command line and environment. */
  reload(): LoadedSettings;
  /** Is told of settings that a reload brought, once they are in use. */
  onSettings(settings: Settings): void;
  /** With the directories of the settings. */
  attachContext(settings: Settings): AttachContext;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** What the node's own paths are below; empty on the node itself. */
  readonly root: string;
  /** Path of our executable; undefined when we run from our source. */
  readonly executable: string | undefined;
  /** Ends the daemon. */
  readonly signal: AbortSignal;
  /** Calls back for each SIGHUP. */
  onHangup(callback: () => void): void;
}

/** What locks, stores and the API server's client are opened by. */
const FIXED_SETTINGS = ["dataDir", "runDirectory", "kube", "node.name"];
/** What decides where and how things are served. */
const SERVED_SETTINGS = ["socket", "monitoring"];

/** How long a wake-up waits for the changes that come with it. */
const SETTLE_MS = 200;
/** How often stores are counted. */
const LOOK_INTERVAL_MS = 30_000;

/** A daemon with its settings: its loops, what it serves, and what it follows. */
export class Running implements AsyncDisposable {
  readonly #options: DaemonOptions;
  readonly #report: NodeReport = emptyReport();
  readonly #suspects: Suspects = new Map();
  #owned: AsyncDisposableStack;
  readonly #kube: KubeLink;
  readonly #stores: NodeStores;
  readonly #keeper: LinuxKeeper;
  readonly #mesh: Mesh;
  readonly #legacyForward = new LegacyForward();
  readonly #loops: readonly Loop[];
  readonly #nodeLoop: Loop;
  readonly #kubeLoop: Loop;
  #loaded: LoadedSettings;
  #attach: AttachContext;
  #served: Served | undefined;
  #toldState: string | undefined;
  /** Before the first turn over the node has ended, nobody knows whether it is ready. */
  #hasTurned = false;
  #toldListen: string | undefined;
  #rewatch = new AbortController();

  private constructor(
    options: DaemonOptions,
    loaded: LoadedSettings,
    owned: AsyncDisposableStack,
  ) {
    const { settings } = loaded;
    this.#options = options;
    this.#loaded = loaded;
    this.#attach = options.attachContext(settings);
    this.#kube = new KubeLink(settings, options.env, options.root);
    owned.defer(() => this.#kube.close());
    this.#stores = owned.use(new NodeStores(this.#attach));
    this.#keeper = owned.use(new LinuxKeeper());
    this.#mesh = owned.use(
      new Mesh({
        settings: () => this.#loaded.settings,
        report: this.#report,
        openHost: () => this.#attach.node.openHost(),
        root: options.root,
        searchPath: options.env.PATH,
        onLink: () => this.#nodeLoop.wake(),
        onTurn: () => this.#tellReadiness(),
      }),
    );
    this.#report.hasMesh = settings.tailscale.mode !== "off";
    this.#nodeLoop = new Loop({
      name: "CNIService",
      intervalMs: () => this.#loaded.settings.resyncInterval.ms,
      settleMs: SETTLE_MS,
      turn: () => this.#turnNode(),
    });
    this.#kubeLoop = new Loop({
      name: "KubernetesService",
      intervalMs: () => this.#loaded.settings.resyncInterval.ms,
      turn: () => this.#kube.tell(this.#report, new Date()),
    });
    this.#loops = [
      this.#nodeLoop,
      this.#kubeLoop,
      ...this.#mesh.loops,
      new Loop({
        name: "PodMonitoringService",
        intervalMs: () => this.#loaded.settings.ipam.gcInterval.ms,
        turn: () => this.#reconcile(),
      }),
      new Loop({
        name: "MonitoringService",
        intervalMs: () => LOOK_INTERVAL_MS,
        turn: () => this.#look(),
      }),
    ];
    this.#owned = owned;
  }

  static async start(options: DaemonOptions, loaded: LoadedSettings): Promise<Running> {
    await using owned = new AsyncDisposableStack();
    const running = new Running(options, loaded, owned);
    running.#served = await running.#serve(loaded.settings);
    running.#listen();
    running.#owned = owned.move();
    return running;
  }

  /**
   * Follows new settings; when they cannot be served the old ones stay.
   * @throws ConfigError for settings that only a restart changes.
   */
  async use(loaded: LoadedSettings): Promise<void> {
    const changed = changedKeys(this.#loaded.settings, loaded.settings);
    const fixed = changed.filter((key) => isBelow(key, FIXED_SETTINGS));
    if (fixed.length > 0) {
      throw new ConfigError(
        "invalid-config",
        `Cannot change ${fixed.join(", ")} of a running daemon: restart it`,
      );
    }
    if (changed.some((key) => isBelow(key, SERVED_SETTINGS))) {
      await this.#served?.[Symbol.asyncDispose]();
      try {
        this.#served = await this.#serve(loaded.settings);
        this.#served.listen();
      } catch (error) {
        await this.#served?.[Symbol.asyncDispose]();
        this.#served = await this.#serve(this.#loaded.settings);
        this.#listen();
        throw error;
      }
    }
    this.#loaded = loaded;
    this.#attach = this.#options.attachContext(loaded.settings);
    this.#report.hasMesh = loaded.settings.tailscale.mode !== "off";
    this.#rewatch.abort();
    this.#nodeLoop.wake();
    this.#mesh.wake();
  }

  async run(signal: AbortSignal): Promise<void> {
    using events = openKernelEvents();
    signal.addEventListener("abort", () => events[Symbol.dispose](), { once: true });
    const wake = () => this.#nodeLoop.wake();
    await Promise.all([
      ...this.#loops.map((loop) => loop.run(signal)),
      this.#kube.follow(this.#report, wake, signal),
      this.#watchConfigurations(wake, signal),
      this.#mesh.follow(signal),
      (async () => {
        for await (const _ of events) wake();
      })(),
    ]);
  }

  /** A reload may name other folders. */
  async #watchConfigurations(wake: () => void, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      this.#rewatch = new AbortController();
      const folders = cniDirectories(this.#loaded, this.#options.root)
        .map(({ confDirectory }) => confDirectory);
      await watchFolders(folders, wake, AbortSignal.any([signal, this.#rewatch.signal]));
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#served?.[Symbol.asyncDispose]();
    await this.#owned[Symbol.asyncDispose]();
  }

  async #turnNode(): Promise<void> {
    const { root, executable } = this.#options;
    this.#listen();
    const before = this.#report.localCidrs;
    try {
      await this.#stores.use(async (open) => {
        const failures = await turnNode({
          loaded: this.#loaded,
          upkeep: this.#upkeep(open),
          root,
          executable,
          apiServer: this.#kube.finding,
          tailnetDevice: this.#report.mesh?.sight.device?.name ??
            tailnetDeviceName(this.#loaded.settings),
        }, this.#report);
        if (failures.length > 0) throw new TurnError(failures);
      });
      this.#report.failures = [];
    } catch (error) {
      this.#report.failures = error instanceof TurnError ? error.failures : [errorText(error)];
      throw error;
    } finally {
      this.#hasTurned = true;
      this.#tellReadiness();
      this.#kubeLoop.wake();
      const { localCidrs } = this.#report;
      if (!before || !localCidrs || !equalPrefixSets(before, localCidrs)) this.#mesh.wake();
    }
  }

  /**
   * Logs what changes. The service is up once the node was looked at: what a node lacks may come from
   * services that are started after it, and systemd would end one that keeps it waiting.
   */
  #tellReadiness(): void {
    if (!this.#hasTurned) return;
    const reasons = readinessReasons(this.#report);
    const state = reasons.join("; ") || "The node is ready";
    if (state === this.#toldState) return;
    this.#toldState = state;
    if (reasons.length === 0) log.info(state);
    else log.warn("The node is not ready", { reasons });
    notify(this.#options.env, `READY=1\nSTATUS=${state.replaceAll("\n", " ")}`);
  }

  async #reconcile(): Promise<void> {
    await this.#stores.use(async (open) => {
      const outcome = await reconcile(this.#upkeep(open), { suspects: this.#suspects });
      const failures = tellOutcome(outcome, this.#report);
      if (failures.length > 0) throw new Error(failures.join("; "));
    });
  }

  /** Counts what stores have. */
  async #look(): Promise<void> {
    await this.#stores.use(async ({ stores }) => {
      const { counters, networks } = await readStoreUse(stores);
      this.#report.counters = counters;
      this.#report.networks = networks;
    });
  }

  #upkeep(open: OpenStores): UpkeepContext {
    return {
      attach: this.#attach,
      keeper: this.#keeper,
      setLegacyForward: (podCidrs) => this.#legacyForward.set(podCidrs),
      ...open,
    };
  }

  /** Pods need no metrics: an address that comes later, or a port that is freed, is tried again. */
  #listen(): void {
    try {
      this.#served?.listen();
      this.#toldListen = undefined;
    } catch (error) {
      const text = errorText(error);
      if (text !== this.#toldListen) log.warn(`Serve no metrics for now: ${text}`);
      this.#toldListen = text;
    }
  }

  #serve({ socket, monitoring, runDirectory }: Settings): Promise<Served> {
    Deno.mkdirSync(runDirectory, { recursive: true, mode: 0o700 });
    const { enabled, address, port, path } = monitoring;
    const statuses = () => this.#loops.map(({ status }) => status);
    return serveNode({
      stuck: () => findStuck(statuses(), performance.now()),
      health: () =>
        reportHealth(statuses(), readinessReasons(this.#report), {
          nowMs: Date.now(),
          clockMs: performance.now(),
        }),
      metrics: () => Promise.resolve({ contentType: EXPOSITION_TYPE, text: this.#metrics() }),
      status: () => nodeStatus(this.#loaded, this.#report),
    }, {
      socket,
      tcp: enabled ? { hostname: formatAddress(address), port } : undefined,
      metricsPath: path,
    });
  }

  #metrics(): string {
    const report = this.#report;
    const { podCidrSince, mesh } = report;
    const isReady = readinessReasons(report).length === 0;
    const components = {
      cni: localProblems(report).length === 0 && report.discovery !== undefined,
      k8s: report.kubeTrouble === undefined,
      ...mesh && { tailscale: isConnected(mesh) },
      ...mesh?.headscale && { headscale: mesh.headscale.trouble === undefined },
      overall: isReady,
    };
    return formatFamilies(nodeFamilies({
      counters: report.counters,
      networks: report.networks,
      loops: this.#loops.map(({ status }) => status),
      podCidrs: podCidrLabels(report),
      podCidrAgeSeconds: podCidrSince === undefined
        ? undefined
        : (Date.now() - Date.parse(podCidrSince)) / 1000,
      repairs: report.repairs,
      repairFailures: report.repairFailures,
      health: components,
      mesh,
    }));
  }
}

/** A turn that could not do all that there was to do. */
class TurnError extends Error {
  readonly failures: readonly string[];

  constructor(failures: readonly string[]) {
    super(failures.join("; "));
    this.failures = failures;
  }
}

function isBelow(key: string, sections: readonly string[]): boolean {
  return sections.some((section) => key === section || key.startsWith(`${section}.`));
}

/** systemd's own word for what a service is doing; there may be none who listens. */
export function notify({ NOTIFY_SOCKET }: DaemonOptions["env"], state: string): void {
  if (!NOTIFY_SOCKET) return;
  try {
    notifyServiceManager(NOTIFY_SOCKET, state);
  } catch (error) {
    log.debug("Cannot tell the service manager", { error });
  }
}
