/**
 * One contender of the benchmark: a plugin, or a chain of them, in a host namespace of its own, with pod
 * namespaces, its store, and its configuration. Everything carries the prefix of the run and is removed
 * by dispose.
 */
import { join } from "@std/path";

/** What is under test. */
export interface Contender {
  readonly name: string;
  /** Run one after the other on ADD, in reverse on DEL, as libcni does. */
  readonly chain: readonly Plugin[];
  /** Value of `CNI_PATH`. */
  readonly path: string;
  /** Address of the bridge, which pods can ping. */
  readonly gateway: string;
  /** Variables that its plugins get beside those of every call. */
  env?(stateDirectory: string): Readonly<Record<string, string>>;
}

/** A plugin of a contender. */
export interface Plugin {
  /** Absolute path. */
  readonly executable: string;
  /** The network configuration; `stateDirectory` is the side's own folder. */
  config(stateDirectory: string): Readonly<Record<string, unknown>>;
}

/** The outcome of one plugin call. */
export interface CallOutcome {
  readonly exitCode: number;
  readonly stdout: string;
}

/** A contender with its namespaces. */
export class Side implements AsyncDisposable {
  readonly name: string;
  readonly #contender: Contender;
  readonly #directory: string;
  readonly #host: string;
  readonly #pods: readonly string[];

  private constructor(contender: Contender, directory: string, host: string, pods: string[]) {
    this.name = contender.name;
    this.#contender = contender;
    this.#directory = directory;
    this.#host = host;
    this.#pods = pods;
  }

  /** Makes the namespaces `<prefix>h`, `<prefix>p0` and so on. */
  static async open(contender: Contender, prefix: string, podCount: number): Promise<Side> {
    const directory = await Deno.makeTempDir({ prefix });
    const pods = Array.from({ length: podCount }, (_, at) => `${prefix}p${at}`);
    await using undo = new AsyncDisposableStack();
    const side = undo.use(new Side(contender, directory, `${prefix}h`, pods));
    for (const [at, plugin] of contender.chain.entries()) {
      const config = JSON.stringify(plugin.config(directory));
      await Deno.writeTextFile(join(directory, `${at}.config`), config);
      // To be followed by a result and a closing brace.
      const head = `${config.slice(0, -1)},"prevResult":`;
      await Deno.writeTextFile(join(directory, `${at}.head`), head);
    }
    for (const name of [`${prefix}h`, ...pods]) await run("ip", ["netns", "add", name]);
    await run("ip", ["-n", `${prefix}h`, "link", "set", "lo", "up"]);
    undo.move();
    return side;
  }

  /** Milliseconds until all calls, started at once, are over; outcomes are read afterwards. */
  async timeAtOnce(verb: "ADD" | "DEL" | "VERSION", pods: readonly number[]): Promise<number> {
    if (verb === "DEL") await this.#keepResults(pods);
    const lines = pods.map((pod) => `( ${this.#command(verb, pod)}; echo $? >${pod}.code ) &`);
    const script = [`cd ${this.#directory}`, ...lines, "wait", ""].join("\n");
    await Deno.writeTextFile(join(this.#directory, "calls.sh"), script);
    return await timeInNamespace(this.#host, ["bash", join(this.#directory, "calls.sh")]);
  }

  /** What the last call about a pod answered. */
  async outcome(pod: number): Promise<CallOutcome> {
    const code = await Deno.readTextFile(join(this.#directory, `${pod}.code`));
    const stdout = await Deno.readTextFile(join(this.#directory, `${pod}.json`));
    return { exitCode: Number(code), stdout };
  }

  /** The address that the last ADD gave to a pod, without its length. */
  async address(pod: number): Promise<string> {
    const { exitCode, stdout } = await this.outcome(pod);
    if (exitCode !== 0) throw new Error(`${this.name}: ADD of pod ${pod} failed: ${stdout}`);
    const result: { ips: { address: string }[] } = JSON.parse(stdout);
    return result.ips[0]?.address.split("/")[0] ?? "";
  }

  /** Throws unless the gateway answers a ping of the pod. */
  async pingGateway(pod: number): Promise<void> {
    const netns = this.#pods[pod] ?? "";
    await run("ip", ["netns", "exec", netns, "ping", "-c1", "-W2", this.#contender.gateway]);
  }

  /** How many veths the host namespace has. */
  async vethCount(): Promise<number> {
    const text = await run("ip", ["-n", this.#host, "-j", "link", "show", "type", "veth"]);
    const links: { ifname?: string }[] = JSON.parse(text || "[]");
    return links.filter(({ ifname }) => ifname !== undefined).length;
  }

  /** True when the host namespace has a rule or element of that word, such as `masquerade`. */
  async hasRule(word: string): Promise<boolean> {
    const nft = ["netns", "exec", this.#host, "nft", "-j", "list", "ruleset"];
    return (await run("ip", nft)).toLowerCase().includes(word);
  }

  /** How many links of the host namespace have a limit of their rate. */
  async limitCount(): Promise<number> {
    const text = await run("ip", ["netns", "exec", this.#host, "tc", "-j", "qdisc", "show"]);
    const queues: { kind: string }[] = JSON.parse(text || "[]");
    return queues.filter(({ kind }) => kind === "tbf").length;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [this.#host, ...this.#pods]) {
      await run("ip", ["netns", "del", name]).catch(() => {});
    }
    await Deno.remove(this.#directory, { recursive: true });
  }

  /** What ADD answered is what DEL is told. */
  async #keepResults(pods: readonly number[]): Promise<void> {
    const file = (pod: number, kind: string) => join(this.#directory, `${pod}.${kind}`);
    for (const pod of pods) await Deno.copyFile(file(pod, "json"), file(pod, "added"));
  }

  /** A line of bash: the plugins in their order, each with the result of the one before it. */
  #command(verb: string, pod: number): string {
    const environment = this.#environment(verb, pod);
    const calls = this.#contender.chain.map(({ executable }, at) => {
      const result = at === 0 && verb === "ADD" ? "" : this.#resultBefore(verb, pod, at);
      const input = result === "" ? `<${at}.config` : `<<<"$(<${at}.head)$(<${result})}"`;
      return `${environment} ${executable} ${input} >${this.#output(verb, pod, at)} 2>${pod}.err`;
    });
    return (verb === "DEL" ? calls.toReversed() : calls).join(" && ");
  }

  /** Where the result is that a plugin is told of: the last one on DEL, none for a chain of one. */
  #resultBefore(verb: string, pod: number, at: number): string {
    const { length } = this.#contender.chain;
    if (length === 1) return "";
    return verb === "ADD" ? this.#output(verb, pod, at - 1) : `${pod}.added`;
  }

  /** Where a plugin prints: the last one to what {@linkcode outcome} reads. */
  #output(verb: string, pod: number, at: number): string {
    const { length } = this.#contender.chain;
    return at === (verb === "DEL" ? 0 : length - 1) ? `${pod}.json` : `${pod}.${at}.out`;
  }

  #environment(verb: string, pod: number): string {
    const own = this.#contender.env?.(this.#directory) ?? {};
    const environment = [
      `CNI_COMMAND=${verb}`,
      `CNI_CONTAINERID=bench${pod}`,
      `CNI_NETNS=/run/netns/${this.#pods[pod]}`,
      "CNI_IFNAME=eth0",
      `CNI_PATH=${this.#contender.path}`,
      `HEADCNI_RUN_DIR=${this.#directory}/run`,
      `HEADCNI_RESULTS_DIR=${this.#directory}/results`,
      `HEADCNI_LOG_FILE=${this.#directory}/plugin.log`,
      ...Object.entries(own).map(([name, value]) => `${name}=${value}`),
    ];
    return environment.join(" ");
  }
}

/** Milliseconds that a command takes in a network namespace, from spawn to exit. */
export async function timeInNamespace(netns: string, command: string[]): Promise<number> {
  const child = new Deno.Command("nsenter", {
    args: [`--net=/run/netns/${netns}`, ...command],
    stdin: "null",
    stdout: "null",
    stderr: "null",
  });
  const start = performance.now();
  const { success } = await child.output();
  const elapsedMs = performance.now() - start;
  if (!success) throw new Error(`Cannot run "${command.join(" ")}" in namespace "${netns}"`);
  return elapsedMs;
}

/** Runs a command to its end. Throws with its stderr when it fails. */
export async function run(command: string, args: string[]): Promise<string> {
  const { success, stdout, stderr } = await new Deno.Command(command, {
    args,
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  }).output();
  if (success) return new TextDecoder().decode(stdout);
  throw new Error(`Cannot run ${command} ${args.join(" ")}: ${new TextDecoder().decode(stderr)}`);
}
