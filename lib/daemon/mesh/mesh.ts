/**
 * The daemon's part in the tailnet: at each turn, and whenever tailscaled has news, it looks, decides
 * and does. Nothing local waits for it: pods of this node come and go without a tailnet.
 */
import { errorText } from "../../errors.ts";
import type { Host } from "../../host/host.ts";
import { log } from "../../log.ts";
import { decideLogin, type LoginDecision } from "../../mesh/login.ts";
import { ownHostname } from "../../mesh/own_hostname.ts";
import { planPrefs } from "../../mesh/wanted_prefs.ts";
import type { Prefix } from "../../net/prefix.ts";
import { LocalApi } from "../../tailscale/local_api.ts";
import { Loop } from "../loop.ts";
import { keepOwnTailscaled, type OwnOutcome, tailscaleSocket } from "../own_tailscaled.ts";
import type { NodeReport } from "../report.ts";
import type { Settings } from "../settings/settings.ts";
import { wait } from "../wait.ts";
import { HeadscaleLink } from "./headscale_link.ts";
import { TailnetJoin } from "./join_tailnet.ts";
import { keepPrefs } from "./keep_prefs.ts";
import { judgeSight } from "./judge_sight.ts";
import { lookAtMesh, type MeshSight } from "./look.ts";
import { mendMemory, readMemory, rememberNodeKey } from "./memory_file.ts";
import type { MeshReport } from "./mesh_report.ts";
import { HeadscaleNudge } from "./nudge_headscale.ts";
import { canAsk } from "./open_headscale.ts";
import { withdrawRoutes } from "./withdraw_routes.ts";

/** What the mesh works with. */
export interface MeshOptions {
  /** As they are now. */
  settings(): Settings;
  /** Read for the networks of the pods; gets the tailnet. */
  readonly report: NodeReport;
  openHost(): Host;
  /** What the node's own paths are below; empty on the node itself. */
  readonly root: string;
  /** `PATH` of our environment. */
  readonly searchPath: string | undefined;
  /** The tailnet's link has changed: MTU and packet filter go by it. */
  onLink(): void;
  /** What is known of it may be another than before. */
  onTurn(): void;
  /** Another clock than the machine's, for tests: as `performance.now`. */
  clockMs?(): number;
}

const TAILSCALE_INTERVAL_MS = 30_000;
/** As long as a route of ours is not served. */
const WAITING_INTERVAL_MS = 10_000;
/** Headscale is one for all nodes. */
const HEADSCALE_INTERVAL_MS = 300_000;
/** Least time between two questions while a route of ours waits for its approval, in milliseconds. */
const ASK_AGAIN_MS = 10_000;
/** How long a turn waits for the news that come with one. */
const SETTLE_MS = 500;
/** Until the news of tailscaled are followed anew, in milliseconds. */
const FOLLOW_AGAIN_MS = 5_000;

/** Why a node that has left is not ready. */
const LEFT =
  'mesh: this node has left it by "headcni mesh leave"; "headcni mesh join" takes it back';

/** Follows tailscaled and Headscale. */
export class Mesh implements Disposable {
  readonly #options: MeshOptions;
  readonly #join = new TailnetJoin();
  readonly #nudge = new HeadscaleNudge();
  /** Names of the older system. */
  readonly #tailscaleLoop: Loop;
  readonly #headscaleLoop: Loop;
  readonly #headscale = new HeadscaleLink();
  /** When it was asked last. */
  #askedMs = -Infinity;
  /** What tailscaled is set to that we do not change, and what that costs. */
  #warnings: readonly string[] = [];
  #ownWarnings: readonly string[] = [];
  /** Whose news are followed, and what ends that. */
  #followed: { readonly socket: string; readonly end: AbortController } | undefined;

  constructor(options: MeshOptions) {
    this.#options = options;
    this.#tailscaleLoop = new Loop({
      name: "TailscaleService",
      intervalMs: () => this.#nudge.isWaiting ? WAITING_INTERVAL_MS : TAILSCALE_INTERVAL_MS,
      settleMs: SETTLE_MS,
      turn: () => this.#turn(),
    });
    this.#headscaleLoop = new Loop({
      name: "HeadscaleHealthService",
      intervalMs: () => HEADSCALE_INTERVAL_MS,
      turn: () => this.#askHeadscale(),
    });
  }

  get loops(): readonly Loop[] {
    return [this.#tailscaleLoop, this.#headscaleLoop];
  }

  /** The pods' networks, or the settings, have changed. */
  wake(): void {
    this.#tailscaleLoop.wake();
  }

  /** Wakes for all that tailscaled tells, until the signal is aborted. */
  async follow(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const socket = tailscaleSocket(this.#options.settings());
      if (socket !== undefined && await this.#followOne(socket, signal)) this.wake();
      if (socket === tailscaleSocket(this.#options.settings())) await wait(FOLLOW_AGAIN_MS, signal);
    }
  }

  /** Answers whether there was one: then its end is news, too. */
  async #followOne(socket: string, signal: AbortSignal): Promise<boolean> {
    let isThere = false;
    const end = new AbortController();
    this.#followed = { socket, end };
    try {
      using api = new LocalApi(socket);
      for await (const _ of api.watch(AbortSignal.any([signal, end.signal]))) {
        isThere = true;
        this.wake();
      }
    } catch (error) {
      if (!signal.aborted) log.debug("Cannot follow tailscaled", { error });
    }
    return isThere;
  }

  [Symbol.dispose](): void {
    this.#headscale[Symbol.dispose]();
  }

  async #turn(): Promise<void> {
    const settings = this.#options.settings();
    const { report } = this.#options;
    const before = report.mesh?.sight.device;
    const socket = tailscaleSocket(settings);
    if (this.#followed?.socket !== socket) this.#followed?.end.abort();
    report.mesh = socket === undefined ? undefined : await this.#keep(settings, socket);
    const { device } = report.mesh?.sight ?? {};
    if (device?.name !== before?.name || device?.mtuBytes !== before?.mtuBytes) {
      this.#options.onLink();
    }
    if (report.mesh) this.#askWhereNeeded(settings, report.mesh);
    this.#options.onTurn();
  }

  async #keep(settings: Settings, socket: string): Promise<MeshReport> {
    const reasons: string[] = [];
    const own = await this.#keepOwn(settings);
    if (own.todo !== undefined) reasons.push(`mesh: ${own.todo}`);
    this.#ownWarnings = own.warning === undefined ? [] : [own.warning];
    await this.#try(reasons, () => mendMemory(settings.dataDir));
    const { left } = readMemory(settings.dataDir);
    using api = new LocalApi(socket);
    const { openHost } = this.#options;
    let sight = await lookAtMesh(api, openHost);
    if (left) {
      reasons.push(LEFT);
      // A turn that was under way when it left may have advertised once more.
      if (sight.status) await this.#try(reasons, () => withdrawRoutes(api, settings.dataDir));
      return this.#judge(settings, sight, reasons);
    }
    const decision = this.#decide(settings, sight);
    if (decision?.kind === "blocked") reasons.push(`mesh: ${decision.reason}; ${decision.fix}`);
    else if (decision && await this.#act(api, settings, sight, decision, reasons)) {
      sight = await lookAtMesh(api, openHost);
    }
    // A tailscaled that is blocked for us is left alone.
    if (decision?.kind === "none") {
      if (sight.status?.self) rememberNodeKey(settings.dataDir, sight.status.self.nodeKey);
      const { advertised } = readMemory(settings.dataDir);
      const nudge = () => this.#nudge.attempt(api, sight, advertised, this.#clockMs());
      await this.#try(reasons, nudge);
    }
    if (this.#join.trouble !== undefined) reasons.push(`mesh: ${this.#join.trouble}`);
    return this.#judge(settings, sight, reasons);
  }

  /** A tailscaled only for us; what keeps it from running is a reason. */
  async #keepOwn(settings: Settings): Promise<OwnOutcome> {
    const { root, searchPath } = this.#options;
    try {
      const outcome = await keepOwnTailscaled(settings, root, { searchPath });
      if (outcome.done.length > 0) log.info("Mended tailscaled", { changes: outcome.done });
      return outcome;
    } catch (error) {
      return { done: [], todo: errorText(error) };
    }
  }

  #decide(settings: Settings, { socket, status, prefs }: MeshSight): LoginDecision | undefined {
    if (!status || !prefs) return undefined;
    const { tailscale } = settings;
    const decision = decideLogin(status, prefs, {
      mode: tailscale.mode === "own" ? "own" : "host",
      socket,
      ...tailscale.url !== undefined && { controlUrl: tailscale.url },
      canUseAuthKey: tailscale.authKey !== undefined,
      hasTriedAuthKey: this.#join.hasTriedAuthKey,
      canMintKey: canAsk(settings),
    }, Date.now());
    if (decision.kind === "none") this.#join.arrived();
    return decision;
  }

  /** Answers whether anything was changed; what fails is a reason. */
  async #act(
    api: LocalApi,
    settings: Settings,
    { socket, status, prefs }: MeshSight,
    decision: LoginDecision,
    reasons: string[],
  ): Promise<boolean> {
    if (!prefs) return false;
    const { tailscale, dataDir, node } = settings;
    const { advertised, nodeKey } = readMemory(dataDir);
    const plan = planPrefs(
      {
        // As long as nobody named the pods' network, what was advertised stays.
        podCidrs: this.#podCidrs(settings),
        socket,
        mode: tailscale.mode === "own" ? "own" : "host",
        hostname: ownHostname(tailscale.hostname, node.name),
        acceptDns: tailscale.acceptDNS,
      },
      prefs,
      advertised,
    );
    this.#warn([...plan.warnings, ...this.#ownWarnings]);
    // A node that cannot be set to all of it, or cannot write, is to be in its tailnet all the same.
    const isKept = await this.#try(reasons, () => keepPrefs(api, plan, prefs, dataDir));
    const isTried = await this.#join.attempt(decision, {
      api,
      headscale: () => this.#headscale.client(settings),
      nodeKey: status?.self?.nodeKey ?? nodeKey,
      tailscale,
      clockMs: this.#clockMs(),
    });
    return isKept === true || isTried;
  }

  /** What fails is a reason, and the turn goes on; undefined then. */
  async #try<T>(reasons: string[], act: () => Promise<T> | T): Promise<T | undefined> {
    try {
      return await act();
    } catch (error) {
      reasons.push(`mesh: ${errorText(error)}`);
      return undefined;
    }
  }

  #judge(settings: Settings, sight: MeshSight, reasons: readonly string[]): MeshReport {
    const { report } = this.#options;
    const headscale = this.#headscale.sightOf(sight.status?.self?.nodeKey);
    const podCidrs = this.#podCidrs(settings);
    const verdict = judgeSight(settings, sight, {
      podCidrs,
      clusterCidrs: report.discovery?.cluster.clusterCidrs ?? [],
      podMtuBytes: report.podMtuBytes,
      headscale,
      probes: [],
    });
    return {
      ...verdict,
      ...{ sight, podCidrs },
      warnings: this.#warnings,
      reasons: [...reasons, ...verdict.reasons],
      headscale,
      logins: this.#join.attempts,
    };
  }

  /** Logs each once. */
  #warn(warnings: readonly string[]): void {
    for (const text of warnings.filter((each) => !this.#warnings.includes(each))) log.warn(text);
    this.#warnings = warnings;
  }

  #clockMs(): number {
    return this.#options.clockMs?.() ?? performance.now();
  }

  #podCidrs({ dataDir }: Settings): readonly Prefix[] {
    return this.#options.report.localCidrs ?? readMemory(dataDir).advertised;
  }

  /**
   * A node that it was not asked of, or whose route waits, is not left until Headscale's own turn. One that
   * it does not know is: tailscaled may be at another server for good.
   */
  #askWhereNeeded(settings: Settings, mesh: MeshReport): void {
    const { conditions, sight: { status } } = mesh;
    if (!status?.self || !canAsk(settings)) return;
    const said = this.#headscale.sightOf(status.self.nodeKey);
    const isUnknown = said && !said.node && said.trouble === undefined;
    const isServed = conditions.every(({ number, verdict }) => number !== 2 || verdict !== "fail");
    if (said && (isServed || isUnknown)) return;
    if (this.#clockMs() - this.#askedMs >= ASK_AGAIN_MS) this.#headscaleLoop.wake();
  }

  async #askHeadscale(): Promise<void> {
    const { report, settings } = this.#options;
    const nodeKey = report.mesh?.sight.status?.self?.nodeKey;
    if (nodeKey === undefined) return;
    this.#askedMs = this.#clockMs();
    const sight = await this.#headscale.ask(settings(), nodeKey, report.localCidrs);
    if (sight?.trouble !== undefined) throw new Error(sight.trouble);
    if (sight?.isChanged) this.wake();
  }
}
