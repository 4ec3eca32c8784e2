/** The plugin as the daemon installed it, called by the network configuration that the daemon wrote. */
import { assertEquals } from "@std/assert";
import { conflistPath } from "./daemon.ts";
import {
  addressesOf,
  type AddResult,
  type NetworkConfig,
  type TestNode,
  type TestPod,
} from "./plugin.ts";

/** The daemon's configuration of our plugin, as a runtime sends it. */
export async function readNetwork(node: TestNode): Promise<NetworkConfig> {
  const { name, plugins: [own] } = JSON.parse(await Deno.readTextFile(conflistPath(node)));
  return { cniVersion: "1.1.0", name, ...own };
}

/** The installed plugin, by the daemon's configuration. */
export class InstalledPlugin {
  readonly #node: TestNode;
  readonly #config: NetworkConfig;

  private constructor(node: TestNode, config: NetworkConfig) {
    this.#node = node;
    this.#config = config;
  }

  static async read(node: TestNode): Promise<InstalledPlugin> {
    return new InstalledPlugin(node, await readNetwork(node));
  }

  get subnetFile(): string {
    return String(this.#config.subnetFile);
  }

  async add(pod: TestPod): Promise<AddResult> {
    return JSON.parse(await this.#succeed("ADD", pod));
  }

  /** ADD that must succeed, and may log to stderr what it had to mend. */
  async addMending(pod: TestPod): Promise<AddResult> {
    const call = { verb: "ADD", config: this.#config, plugin: this.#path, pod };
    const { code, stdout } = await this.#node.call(call);
    assertEquals(code, 0, stdout);
    return JSON.parse(stdout);
  }

  async del(pod: TestPod): Promise<void> {
    await this.#succeed("DEL", pod);
  }

  async check(pod: TestPod, prevResult: AddResult): Promise<void> {
    const config = { ...this.#config, prevResult };
    await this.#node.succeed({ verb: "CHECK", config, pod, plugin: this.#path });
  }

  async status(): Promise<void> {
    await this.#succeed("STATUS");
  }

  /** STATUS that must fail: plugin not available, SPEC.md section 5. Answers what it tells. */
  failStatus(): Promise<string> {
    return this.#node.fail({ verb: "STATUS", config: this.#config, plugin: this.#path }, 50);
  }

  get #path(): string {
    return `${this.#node.root}/bin/headcni`;
  }

  #succeed(verb: string, pod?: TestPod): Promise<string> {
    const call = { verb, config: this.#config, plugin: this.#path };
    return this.#node.succeed({ ...call, ...pod && { pod } });
  }
}

/** Fails unless a pod reaches the gateways of all of its addresses. */
export async function assertReaches(pod: TestPod, { ips = [] }: AddResult): Promise<void> {
  for (const { gateway = "" } of ips) {
    await pod.run("ping", "-c", "1", "-W", "5", gateway);
  }
}

/** Fails unless a pod has addresses within networks, by the beginning of their text. */
export function assertWithin(result: AddResult, ...beginnings: readonly string[]): void {
  const addresses = addressesOf(result);
  assertEquals(
    addresses.map((address) => beginnings.find((text) => address.startsWith(text))),
    [...beginnings],
  );
}
