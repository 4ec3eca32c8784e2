/** A node of the tailnet: its own namespace, a real tailscaled with a TUN device, and our daemon. */
import { join } from "@std/path";
import { type DaemonStart, settingsPath, TestDaemon } from "../../netns/daemon.ts";
import { InstalledPlugin } from "../../netns/installed_plugin.ts";
import { run, type TestNetns } from "../../netns/namespace.ts";
import { type AddResult, TestNode } from "../../netns/plugin.ts";
import { findPeers } from "../peers.ts";
import { RealSystemd } from "../systemd.ts";
import type { HeadscaleServer } from "./headscale.ts";
import type { Internet, RouterKind } from "./internet.ts";
import { TestProcess } from "./process.ts";

/** Network of all pods of these tests. */
export const CLUSTER = { 4: "10.42.0.0/16", 6: "fd00:42::/56" } as const;

/** How a node is made. */
export interface MeshNodeOptions {
  /** Its number, from 1 on: part of its networks and of its name. */
  readonly number: number;
  /** Behind a router that translates addresses; behind none when absent. */
  readonly router?: RouterKind | undefined;
  /** Run by a systemd, and without a tailscaled until the daemon has it start one. */
  readonly hasSystemd?: boolean;
}

/** A pod that was added, and what it got. */
export interface MeshPod {
  readonly netns: TestNetns;
  readonly result: AddResult;
}

/** A node, its tailscaled and its pods. */
export class MeshNode implements AsyncDisposable {
  readonly number: number;
  readonly node: TestNode;
  readonly #systemd: RealSystemd | undefined;
  readonly #headscale: HeadscaleServer;
  readonly #programs: string;
  readonly #owned: AsyncDisposableStack;
  #tailscaled: TestProcess | undefined;

  private constructor(
    number: number,
    node: TestNode,
    systemd: RealSystemd | undefined,
    headscale: HeadscaleServer,
    programs: string,
    owned: AsyncDisposableStack,
  ) {
    this.number = number;
    this.node = node;
    this.#systemd = systemd;
    this.#headscale = headscale;
    this.#programs = programs;
    this.#owned = owned;
  }

  /** Makes one; where no systemd runs it, with a tailscaled that is logged in nowhere. */
  static async make(
    internet: Internet,
    headscale: HeadscaleServer,
    { number, router, hasSystemd = false }: MeshNodeOptions,
  ): Promise<MeshNode> {
    const { path, missing } = findPeers("tailscale");
    if (missing) throw new Error(missing);
    await using owned = new AsyncDisposableStack();
    const node = owned.use(await TestNode.make());
    if (router) await internet.plugBehind(node.host, await node.makePod("nat"), router);
    else await internet.plug(node.host);
    const systemd = hasSystemd ? owned.use(await RealSystemd.start(node)) : undefined;
    const made = new MeshNode(number, node, systemd, headscale, path, owned.move());
    if (!systemd) made.startTailscaled();
    return made;
  }

  get name(): string {
    return `node-${this.number}`;
  }

  /** The systemd of a node that has one. */
  get systemd(): RealSystemd {
    if (!this.#systemd) throw new Error(`${this.name} has no systemd`);
    return this.#systemd;
  }

  /** Executable of tailscaled. */
  get tailscaled(): string {
    return join(this.#programs, "tailscaled");
  }

  /** Socket of the tailscaled that the daemon uses. */
  get socket(): string {
    const { root } = this.node;
    return this.#systemd ? join(root, "run/headcni_tailscale.sock") : this.hostSocket;
  }

  /** Socket of the machine's tailscaled. */
  get hostSocket(): string {
    return join(this.node.root, "tailscaled.sock");
  }

  /** Networks of its pods. */
  get podCidrs(): readonly string[] {
    return [`10.42.${this.number}.0/24`, `fd00:42:0:${this.number}::/64`];
  }

  /**
   * Starts tailscaled, again with the state that it had. It may change name resolution: so it has a
   * file of its own in the place of the machine's.
   */
  startTailscaled(): void {
    const { root } = this.node;
    const names = join(root, "resolv.conf");
    Deno.writeTextFileSync(names, "");
    const apart = `mount --bind '${names}' /etc/resolv.conf && exec "$@"`;
    this.#tailscaled = TestProcess.start({
      command: [
        ...this.node.enter,
        ...["unshare", "--mount", "sh", "-c", apart, "sh"],
        ...[this.tailscaled, "--socket", this.hostSocket, "--statedir", `${root}/ts`],
        ...["--tun", "tailscale0", "--port", "41641", "--no-logs-no-support"],
      ],
      env: { SSL_CERT_FILE: this.#headscale.caFile, HOME: root },
      logFile: join(root, "tailscaled.log"),
    });
  }

  async endTailscaled(signal: Deno.Signal): Promise<void> {
    await this.#tailscaled?.end(signal);
    this.#tailscaled = undefined;
  }

  /** The command line of tailscale. */
  tailscale(...args: readonly string[]): Promise<string> {
    const program = join(this.#programs, "tailscale");
    const [first = "", ...enter] = this.node.enter;
    return run(first, ...enter, program, "--socket", this.socket, ...args);
  }

  /** Settings of the daemon on this node. */
  settings(changes: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    return {
      node: { name: this.name },
      network: {
        podCIDR: { nodeLocal: this.podCidrs.join(","), base: Object.values(CLUSTER).join(",") },
      },
      tailscale: { mode: "host", socket: { path: this.hostSocket } },
      headscale: { url: this.#headscale.url, caFile: this.#headscale.caFile },
      ...changes,
    };
  }

  /** Writes a key where the settings can name it; answers the path. */
  async keyFile(name: string, key: string): Promise<string> {
    const path = join(this.node.root, name);
    await Deno.writeTextFile(path, `${key}\n`, { mode: 0o600 });
    return path;
  }

  /** Starts the daemon, without waiting for the tailnet. */
  async startDaemon(start: DaemonStart): Promise<TestDaemon> {
    if (!this.#systemd) return this.#owned.use(await TestDaemon.spawn(this.node, start));
    const place = this.#systemd.placeOf(this.node);
    // What runs the machine is in reach: the daemon is in no container.
    const env = { HEADCNI_HOST_ROOT: "", ...start.env };
    return this.#owned.use(await TestDaemon.spawn(place, { ...start, env }));
  }

  /** Adds a pod by the configuration that the daemon wrote. */
  async addPod(): Promise<MeshPod> {
    const netns = await this.node.makePod();
    const plugin = await InstalledPlugin.read(this.node);
    return { netns, result: await plugin.add(netns) };
  }

  /** Removes a pod. */
  async removePod({ netns }: MeshPod): Promise<void> {
    await (await InstalledPlugin.read(this.node)).del(netns);
  }

  /** Runs a command of the administrator's by the settings of the daemon. */
  headcni(...args: readonly string[]): Promise<string> {
    const [first = "", ...enter] = this.#systemd?.enter ?? this.node.enter;
    const env = Object.entries(this.node.environment).map(([name, value]) => `${name}=${value}`);
    const config = `HEADCNI_CONFIG=${settingsPath(this.node)}`;
    return run(first, ...enter, "env", ...env, config, this.node.plugin, ...args);
  }

  /** What tailscaled logged last. */
  async tail(): Promise<string> {
    const text = this.#systemd
      ? await this.#systemd.log()
      : await Deno.readTextFile(join(this.node.root, "tailscaled.log"));
    return text.split("\n").slice(-40).join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The device goes with its process, before the namespace does.
    await this.endTailscaled("SIGTERM");
    await this.#owned[Symbol.asyncDispose]();
  }
}
