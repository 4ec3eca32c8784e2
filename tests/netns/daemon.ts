/**
 * The daemon as the real program on a node of a test's own: its settings, directories and socket, and
 * its log, by which a test waits for what it does.
 */
import { SUBNETS, type TestNode } from "./plugin.ts";

/** One line of the log, by the fields that tests look at. */
export type LogLine = Readonly<Record<string, unknown>>;

/** Where a daemon runs, such as a {@linkcode TestNode}. */
export interface DaemonPlace {
  /** Folder of its settings and, unless they say otherwise, of all that it makes. */
  readonly root: string;
  readonly dataDirectory: string;
  readonly resultsDirectory: string;
  /** A command that runs what stands behind it there. */
  readonly enter: readonly string[];
  /** The program as one file. */
  readonly plugin: string;
  /** The process of the daemon by that of the command; the same when absent. */
  readonly processOf?: (pid: number) => Promise<number>;
  /** Where the settings say that its socket is; `run/daemon.sock` in `root` when absent. */
  readonly socket?: string;
}

/** How a daemon ended. */
export interface DaemonEnd {
  readonly code: number;
  readonly signal: string | null;
  /** From the signal on. */
  readonly durationMs: number;
}

/** What is different from an ordinary start. */
export interface DaemonStart {
  /** Settings beside {@linkcode nodeSettings}; sections are joined key by key. */
  readonly settings?: Readonly<Record<string, unknown>>;
  readonly env?: Readonly<Record<string, string>>;
  /** The settings file is there already, at this path; empty when the daemon is told of none. */
  readonly config?: string;
}

/** What the daemon does after its first turn: pods may come, or may not yet. */
export const READY: LogLine = { message: "The node is ready" };

/** For a test that waits for what never comes, in milliseconds. */
const PATIENCE_MS = 60_000;

/** Name of the Node that the daemons of tests are on. */
export const NODE_NAME = "edge-7";

/** Settings of a daemon that sees nothing of the machine, as JSON, which is YAML. */
export function nodeSettings(
  { root, dataDirectory }: Pick<DaemonPlace, "root" | "dataDirectory">,
  changes: Readonly<Record<string, unknown>> = {},
): string {
  const settings: Record<string, unknown> = {
    node: { name: NODE_NAME },
    network: { podCIDR: { nodeLocal: `${SUBNETS[4]},${SUBNETS[6]}` } },
    cni: { confDir: `${root}/conf`, binDir: `${root}/bin` },
    monitoring: { enabled: false },
    logging: { level: "debug" },
    kube: { access: "off" },
    tailscale: { mode: "off" },
    dataDir: dataDirectory,
    runDirectory: `${root}/run`,
  };
  for (const [key, value] of Object.entries(changes)) {
    const isSection = typeof value === "object" && value !== null;
    settings[key] = isSection ? { ...Object(settings[key]), ...value } : value;
  }
  return JSON.stringify(settings);
}

/** A daemon that runs; one that still does at the end of the test is killed. */
export class TestDaemon implements AsyncDisposable {
  readonly lines: LogLine[] = [];
  /** What it wrote to stderr beside its log. */
  readonly said: string[] = [];
  readonly #place: DaemonPlace;
  readonly #child: Deno.ChildProcess;
  readonly #reading: Promise<void>;
  #changed = Promise.withResolvers<void>();
  #isOver = false;

  private constructor(place: DaemonPlace, child: Deno.ChildProcess) {
    this.#place = place;
    this.#child = child;
    this.#reading = this.#read();
  }

  /** Starts one, without waiting for anything. */
  static async spawn(place: DaemonPlace, options: DaemonStart = {}): Promise<TestDaemon> {
    const { settings, env = {}, config = settingsPath(place) } = options;
    if (options.config === undefined) await writeSettings(place, settings);
    await Deno.mkdir(`${place.root}/machine`, { recursive: true });
    const named = config === "" ? [] : ["--config", config];
    const [program = "", ...args] = [...place.enter, place.plugin, "daemon", ...named];
    const child = new Deno.Command(program, {
      args,
      env: {
        PATH: Deno.env.get("PATH") ?? "",
        HOME: Deno.env.get("HOME") ?? "",
        ...Deno.env.has("DENO_DIR") && { DENO_DIR: Deno.env.get("DENO_DIR") ?? "" },
        HEADCNI_HOST_ROOT: `${place.root}/machine`,
        HEADCNI_RESULTS_DIR: place.resultsDirectory,
        ...env,
      },
      clearEnv: true,
      stdout: "null",
      stderr: "piped",
    }).spawn();
    return new TestDaemon(place, child);
  }

  /** Starts one, and waits until pods may come. */
  static async start(place: DaemonPlace, options: DaemonStart = {}): Promise<TestDaemon> {
    const daemon = await TestDaemon.spawn(place, options);
    try {
      await daemon.saw(READY);
      return daemon;
    } catch (error) {
      await daemon[Symbol.asyncDispose]();
      throw error;
    }
  }

  get pid(): number {
    return this.#child.pid;
  }

  get socket(): string {
    return this.#place.socket ?? `${this.#place.root}/run/daemon.sock`;
  }

  /**
   * Waits for a line of the log with these fields, from a place in the log on, and answers it. A text
   * stands for every text that it is a part of.
   */
  async saw(fields: LogLine, from = 0): Promise<LogLine> {
    return await this.#find(this.lines, (line) => hasFields(line, fields), from, fields);
  }

  /** Waits for a line of stderr that is no JSON. */
  async heard(pattern: RegExp): Promise<string> {
    return await this.#find(this.said, (line) => pattern.test(line), 0, pattern);
  }

  /** Does something, and waits for a line of the log that comes after it. */
  async after(act: () => unknown, fields: LogLine): Promise<LogLine> {
    const from = this.lines.length;
    await act();
    return await this.saw(fields, from);
  }

  /** Does something, and waits until something of a kind was mended after it. */
  mended(kind: string, act: () => unknown): Promise<LogLine> {
    return this.after(act, { message: "Mended the node", kind });
  }

  /** Waits until the loop over the node has turned as a whole from now on. */
  async turned(): Promise<void> {
    const turn = { message: "Turned", loop: "CNIService" };
    // The turn that ends first may have begun before.
    for (let round = 0; round < 2; round++) await this.after(() => this.signal("SIGHUP"), turn);
  }

  /** Asks its socket. */
  async ask(path: string): Promise<{ readonly status: number; readonly text: string }> {
    using client = Deno.createHttpClient({ proxy: { transport: "unix", path: this.socket } });
    // A name would be looked up, which can take seconds.
    const response = await fetch(`http://127.0.0.1${path}`, { client });
    return { status: response.status, text: await response.text() };
  }

  /** Its status, as `/status` tells it. */
  async status(): Promise<Readonly<Record<string, unknown>>> {
    return JSON.parse((await this.ask("/status")).text);
  }

  /** The value of a metric with all of its labels, such as `headcni_repairs_total{kind="rule"}`; 0 when there is none. */
  async metric(name: string): Promise<number> {
    const { text } = await this.ask("/metrics");
    const line = text.split("\n").find((line) => line.startsWith(`${name} `));
    return Number(line?.slice(name.length + 1) ?? 0);
  }

  async signal(signal: Deno.Signal): Promise<void> {
    const { pid } = this.#child;
    Deno.kill(await this.#place.processOf?.(pid) ?? pid, signal);
  }

  /** Sends a signal, and waits for the end. */
  async end(signal: Deno.Signal = "SIGTERM"): Promise<DaemonEnd> {
    const beganMs = performance.now();
    await this.signal(signal);
    return await this.ended(beganMs);
  }

  /** Waits until it has ended by itself. */
  async ended(beganMs: number = performance.now()): Promise<DaemonEnd> {
    const { code, signal } = await this.#child.status;
    const durationMs = performance.now() - beganMs;
    await this.#reading;
    return { code, signal, durationMs };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await this.signal("SIGKILL");
    } catch {
      // It has ended.
    }
    await this.ended();
  }

  async #find<T>(
    lines: readonly T[],
    isIt: (line: T) => boolean,
    from: number,
    wanted: unknown,
  ): Promise<T> {
    const deadline = Date.now() + PATIENCE_MS;
    for (let at = from;; at++) {
      while (at >= lines.length) await this.#more(deadline, Deno.inspect(wanted));
      const line = lines[at];
      if (line !== undefined && isIt(line)) return line;
    }
  }

  /** Waits until there is something more to read. */
  async #more(deadline: number, wanted: string): Promise<void> {
    const leftMs = deadline - Date.now();
    if (this.#isOver || leftMs <= 0) {
      const told = this.lines.slice(-40).map((line) => JSON.stringify(line));
      throw new Error(`Cannot see ${wanted}: ${[...this.said, ...told].join("\n")}`);
    }
    const timer = setTimeout(() => this.#wake(), leftMs);
    await this.#changed.promise;
    clearTimeout(timer);
  }

  async #read(): Promise<void> {
    let rest = "";
    for await (const chunk of this.#child.stderr.pipeThrough(new TextDecoderStream())) {
      const texts = (rest + chunk).split("\n");
      rest = texts.pop() ?? "";
      for (const text of texts) {
        if (text.startsWith("{")) this.lines.push(JSON.parse(text));
        else this.said.push(text);
      }
      this.#wake();
    }
    this.#isOver = true;
    this.#wake();
  }

  #wake(): void {
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

/** Where {@linkcode TestDaemon} has its settings. */
export function settingsPath({ root }: Pick<TestNode, "root">): string {
  return `${root}/daemon.yaml`;
}

/** Writes the settings as an editor does: another file in the place of the old one. */
export async function writeSettings(
  place: Pick<DaemonPlace, "root" | "dataDirectory">,
  changes: Readonly<Record<string, unknown>> = {},
): Promise<void> {
  const fresh = `${place.root}/daemon.yaml.new`;
  await Deno.writeTextFile(fresh, nodeSettings(place, changes));
  await Deno.rename(fresh, settingsPath(place));
}

/** Path of the configuration that the daemon gives to runtimes. */
export function conflistPath({ root }: Pick<TestNode, "root">): string {
  return `${root}/conf/05-headcni.conflist`;
}

/** The files that the daemon keeps, with what tells whether one was written anew. */
export async function fileVersions({ root }: Pick<TestNode, "root">): Promise<string[]> {
  const versions: string[] = [];
  for (const folder of ["conf", "bin", "run", "data"]) {
    for await (const { name } of Deno.readDir(`${root}/${folder}`)) {
      if (/^daemon\.sock$|\.lock$|^state\.kv/.test(name)) continue;
      const path = `${root}/${folder}/${name}`;
      const { ino, mtime, isFile, mode } = await Deno.lstat(path);
      if (isFile) versions.push(`${folder}/${name} ${ino} ${mtime?.getTime()} ${mode}`);
    }
  }
  return versions.sort();
}

function hasFields(line: LogLine, fields: LogLine): boolean {
  return Object.entries(fields).every(([key, wanted]) => {
    const value = line[key];
    return typeof wanted === "string" && typeof value === "string"
      ? value.includes(wanted)
      : JSON.stringify(value) === JSON.stringify(wanted);
  });
}
