/** The daemon on a node of a test's own: its process, what it takes, and what it answers. */
import { join } from "@std/path";
import type { NetworkConfig, TestNode } from "../netns/plugin.ts";

/** A line of its log. */
export interface LogLine {
  readonly level: string;
  readonly message: string;
}

/** What a process takes. */
export interface ProcessUse {
  /** Time on a processor so far, in user and kernel mode together. */
  readonly cpuMs: number;
  /** Resident set. */
  readonly rssBytes: number;
  /** Open file descriptors. */
  readonly descriptors: number;
}

/** The networks of the pods of the node, and of the cluster. */
export const POD_CIDRS = "10.77.0.0/22,fd00:77::/64";
const CLUSTER_CIDRS = "10.77.0.0/16,fd00:77::/48";
const CONFLIST = "05-headcni.conflist";

/** A daemon that runs; dispose of it to end it. */
export class NodeDaemon implements AsyncDisposable {
  /** Milliseconds from its start until the network configuration was in its place. */
  readonly startMs: number;
  readonly #child: Deno.ChildProcess;
  readonly #confDirectory: string;
  readonly #socket: string;
  readonly #log: Promise<string>;

  private constructor(
    child: Deno.ChildProcess,
    paths: { readonly confDirectory: string; readonly socket: string },
    startMs: number,
    log: Promise<string>,
  ) {
    this.#child = child;
    this.#confDirectory = paths.confDirectory;
    this.#socket = paths.socket;
    this.startMs = startMs;
    this.#log = log;
  }

  /**
   * Starts it in the node's namespace and waits for its network configuration, which one that ran
   * before may have left: it is removed first.
   * @param settings beside those that keep it away from the machine's own files; `dataDir` and
   * `runDirectory` are the node's by default.
   */
  static async start(
    node: TestNode,
    settings: Readonly<Record<string, string>> = {},
  ): Promise<NodeDaemon> {
    const confDirectory = join(node.root, "conf");
    const runDirectory = settings.runDirectory ?? join(node.root, "run");
    const socket = join(runDirectory, "daemon.sock");
    await Deno.mkdir(confDirectory, { recursive: true });
    await Deno.remove(join(confDirectory, CONFLIST)).catch(() => {});
    const file = join(node.root, "daemon.json");
    await Deno.writeTextFile(
      file,
      JSON.stringify({
        dataDir: node.dataDirectory,
        runDirectory,
        node: { name: "node" },
        network: { podCIDR: { nodeLocal: POD_CIDRS, base: CLUSTER_CIDRS } },
        cni: { confDir: confDirectory, binDir: join(node.root, "bin") },
        kube: { access: "off" },
        monitoring: { enabled: false },
        tailscale: { socket: { path: join(node.root, "tailscaled.sock") } },
        ...settings,
      }),
    );
    // Those would win over the file.
    const { HEADCNI_DATA_DIR: _, HEADCNI_RUN_DIR: __, ...env } = node.environment;
    using watcher = Deno.watchFs(confDirectory);
    const begin = performance.now();
    const child = new Deno.Command("nsenter", {
      args: [`--net=${node.host.path}`, node.plugin, "daemon", `--config=${file}`],
      env: { ...env, HEADCNI_HOST_ROOT: join(node.root, "host") },
      stdin: "null",
      stdout: "null",
      stderr: "piped",
    }).spawn();
    const log = new Response(child.stderr).text();
    const isThere = (async () => {
      for await (const { paths } of watcher) {
        if (paths.some((path) => path.endsWith(CONFLIST))) return performance.now() - begin;
      }
      return undefined;
    })();
    const startMs = await Promise.race([isThere, child.status.then(() => undefined)]);
    if (startMs === undefined) throw new Error(`Cannot start the daemon: ${await log}`);
    return new NodeDaemon(child, { confDirectory, socket }, startMs, log);
  }

  /** What plugins are called with by its network configuration, as libcni makes it. */
  async network(): Promise<NetworkConfig> {
    const text = await Deno.readTextFile(join(this.#confDirectory, CONFLIST));
    const { cniVersion, name, plugins: [plugin] } = JSON.parse(text);
    return { cniVersion, name, ...plugin };
  }

  /** What it answers on its socket. */
  async get(path: string): Promise<string> {
    using client = Deno.createHttpClient({ proxy: { transport: "unix", path: this.#socket } });
    // A name would be looked up, which can take seconds.
    const response = await fetch(`http://127.0.0.1${path}`, {
      client,
      signal: AbortSignal.timeout(DEADLINE_MS),
    });
    const text = await response.text();
    if (!response.ok) throw new Error(`Cannot get "${path}": ${response.status} ${text}`);
    return text;
  }

  /** proc_pid_stat(5), proc_pid_status(5), proc_pid_fd(5). */
  use(): ProcessUse {
    const folder = `/proc/${this.#child.pid}`;
    // The second field, the name in parentheses, may have blanks.
    const [, rest = ""] = Deno.readTextFileSync(`${folder}/stat`).split(") ");
    const fields = rest.split(" ").map(Number);
    const [utime = NaN, stime = NaN] = fields.slice(11, 13);
    const [, rssKib] = /^VmRSS:\s+(\d+) kB$/m.exec(Deno.readTextFileSync(`${folder}/status`)) ?? [];
    return {
      cpuMs: (utime + stime) * 1000 / TICKS_PER_SECOND,
      rssBytes: Number(rssKib) * 1024,
      descriptors: [...Deno.readDirSync(`${folder}/fd`)].length,
    };
  }

  /** Ends it as a service manager does; answers its exit code and its log. */
  async stop(): Promise<{ readonly code: number; readonly log: readonly LogLine[] }> {
    try {
      this.#child.kill("SIGTERM");
    } catch {
      // It ended by itself, which its exit code tells.
    }
    const { code } = await this.#child.status;
    const lines = (await this.#log).split("\n").filter((line) => line !== "");
    return { code, log: lines.map((line) => JSON.parse(line)) };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.stop();
  }
}

const DEADLINE_MS = 10_000;
/** What the kernel tells user space in, on every machine that Deno runs on: proc_pid_stat(5). */
const TICKS_PER_SECOND = 100;
