/**
 * One contender of the benchmark: a plugin in a host namespace of its own, with pod namespaces, its
 * store, and its configuration. Everything carries the prefix of the run and is removed by dispose.
 */
import { join } from "@std/path";

/** A plugin under test. */
export interface Contender {
  readonly name: string;
  /** Absolute path of the executable. */
  readonly plugin: string;
  /** Value of `CNI_PATH`. */
  readonly path: string;
  /** Address of the bridge, which pods can ping. */
  readonly gateway: string;
  /** The network configuration; `stateDirectory` is the side's own folder. */
  config(stateDirectory: string): Record<string, unknown>;
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
    const config = contender.config(directory);
    await Deno.writeTextFile(join(directory, "config.json"), JSON.stringify(config));
    for (const name of [`${prefix}h`, ...pods]) await run("ip", ["netns", "add", name]);
    await run("ip", ["-n", `${prefix}h`, "link", "set", "lo", "up"]);
    undo.move();
    return side;
  }

  /** Milliseconds until all calls, started at once, are over; outcomes are read afterwards. */
  async timeAtOnce(verb: "ADD" | "DEL" | "VERSION", pods: readonly number[]): Promise<number> {
    const lines = pods.map((pod) => `( ${this.#command(verb, pod)}; echo $? >${pod}.code ) &`);
    const script = [`cd ${this.#directory}`, ...lines, "wait", ""].join("\n");
    await Deno.writeTextFile(join(this.#directory, "calls.sh"), script);
    return await timeInNamespace(this.#host, ["sh", join(this.#directory, "calls.sh")]);
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

  /** True when the host namespace has a masquerade rule. */
  async hasMasquerade(): Promise<boolean> {
    const nft = ["netns", "exec", this.#host, "nft", "-j", "list", "ruleset"];
    return (await run("ip", nft)).toLowerCase().includes("masquerade");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    for (const name of [this.#host, ...this.#pods]) {
      await run("ip", ["netns", "del", name]).catch(() => {});
    }
    await Deno.remove(this.#directory, { recursive: true });
  }

  #command(verb: string, pod: number): string {
    const environment = [
      `CNI_COMMAND=${verb}`,
      `CNI_CONTAINERID=bench${pod}`,
      `CNI_NETNS=/run/netns/${this.#pods[pod]}`,
      "CNI_IFNAME=eth0",
      `CNI_PATH=${this.#contender.path}`,
      `HEADCNI_RUN_DIR=${this.#directory}/run`,
      `HEADCNI_RESULTS_DIR=${this.#directory}/results`,
      `HEADCNI_RESULTS_DIR=${this.#directory}/results`,
      `HEADCNI_LOG_FILE=${this.#directory}/plugin.log`,
    ];
    const call = `${environment.join(" ")} ${this.#contender.plugin}`;
    return `${call} <config.json >${pod}.json 2>${pod}.err`;
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
