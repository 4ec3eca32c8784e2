/**
 * The real plugin on a node of a test's own: a namespace in the place of the node's, namespaces of
 * pods, a store, a run directory and a log; and the text of all that, for before and after.
 */
import { assertEquals } from "@std/assert";
import type { ErrorObject } from "../../lib/cni/codes.ts";
import { executableFile, type ProgramOutcome, runProgram } from "../cli/program.ts";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { TestNetns } from "./namespace.ts";

/** Directory of the reference plugins on Debian. */
export const DEBIAN_PLUGINS = "/usr/lib/cni";

/** Every sysctl of every link, and whether the node forwards; `stable_secret` cannot be read. */
const LIST_SYSCTLS = "cd /proc/sys/net && " +
  "grep -rs . ipv4/conf ipv6/conf ipv4/ip_forward | grep -v stable_secret | sort";

/** The parts of the store that tell who has what; the rest remembers what was. */
const STORE_PREFIXES = ["lease", "address", "attachment", "port"];

/** Subnets of the tests by family. */
export const SUBNETS = { 4: "10.9.0.0/24", 6: "fd00:9::/64" } as const;

/** One or both families. */
export type Families = readonly (keyof typeof SUBNETS)[];

/** A network configuration as it is sent. */
export type NetworkConfig = Readonly<Record<string, unknown>>;

/** One call of a plugin. What is left out is that of the pod, or what every call has. */
export interface PluginCall {
  readonly verb: string;
  /** Object, or standard input as it is. */
  readonly config: NetworkConfig | string | Uint8Array<ArrayBuffer>;
  readonly pod?: TestPod;
  readonly env?: Readonly<Record<string, string>>;
  /** Path of another plugin in the place of ours. */
  readonly plugin?: string;
  /** A command that runs what stands behind it, such as nsenter(1). */
  readonly enter?: readonly string[];
}

/** What ADD prints, by the fields that tests look at: SPEC.md section 5, "ADD Success". */
export interface AddResult {
  readonly cniVersion: string;
  readonly interfaces?: readonly {
    readonly name: string;
    readonly mac?: string;
    readonly mtu?: number;
    readonly sandbox?: string;
  }[];
  readonly ips?: readonly {
    readonly address: string;
    readonly gateway?: string;
    readonly interface?: number;
  }[];
  readonly routes?: readonly { readonly dst: string; readonly gw?: string }[];
  readonly dns?: Readonly<Record<string, unknown>>;
  /** Of 0.1.0 and 0.2.0. */
  readonly ip4?: { readonly ip: string };
  readonly ip6?: { readonly ip: string };
}

/** A network whose pods get one address of each family. */
export function network(keys: NetworkConfig = {}, families: Families = [4, 6]): NetworkConfig {
  const ranges = families.map((family) => [{ subnet: SUBNETS[family] }]);
  const ipam = { type: "headcni-ipam", ranges };
  return { cniVersion: "1.0.0", name: "pods", type: "headcni", ipam, ...keys };
}

/** A network namespace and the container that it belongs to. */
export type TestPod = Pick<TestNetns, "name" | "path" | "run" | "ip" | "snapshot">;

/** The addresses in a result of any version. */
export function addressesOf(result: AddResult): string[] {
  return [
    ...result.ips?.map(({ address }) => address) ?? [],
    ...[result.ip4, result.ip6].flatMap((ip) => ip?.ip ?? []),
  ];
}

/** An address without its prefix length. */
export function bare(address: string | undefined): string {
  return address?.split("/")[0] ?? "";
}

/** The addresses with prefix lengths that the kernel has on a link, without link-local ones. */
export async function kernelAddresses(place: TestPod, link = "eth0"): Promise<string[]> {
  const links: { addr_info: { local: string; prefixlen: number; scope: string }[] }[] = JSON.parse(
    await place.run("ip", "-j", "address", "show", "dev", link),
  );
  return links.flatMap(({ addr_info }) => addr_info).filter(({ scope }) => scope === "global")
    .map(({ local, prefixlen }) => `${local}/${prefixlen}`);
}

/** A node of a test's own. */
export class TestNode implements AsyncDisposable {
  readonly host: TestNetns;
  /** A temporary directory: store, locks and log lie in it. */
  readonly root: string;
  /** The plugin as one file. */
  readonly plugin: string;
  readonly #owned: AsyncDisposableStack;

  private constructor(host: TestNetns, root: string, plugin: string, owned: AsyncDisposableStack) {
    this.host = host;
    this.root = root;
    this.plugin = plugin;
    this.#owned = owned;
  }

  static async make(): Promise<TestNode> {
    await using owned = new AsyncDisposableStack();
    const root = await Deno.makeTempDir({ prefix: "hct" });
    owned.defer(() => Deno.remove(root, { recursive: true }));
    const host = owned.use(await TestNetns.make("host"));
    const plugin = await executableFile(root);
    return new TestNode(host, root, plugin, owned.move());
  }

  /** Store directory. */
  get dataDirectory(): string {
    return `${this.root}/data`;
  }

  /** In the place of libcni's cache of results; absent until a test makes it. */
  get resultsDirectory(): string {
    return `${this.root}/results`;
  }

  /** A command that runs what stands behind it on this node. */
  get enter(): readonly string[] {
    return ["nsenter", `--net=${this.host.path}`];
  }

  /** What every program of ours needs to find that it is on this node. */
  get environment(): Record<string, string> {
    return {
      HEADCNI_DATA_DIR: this.dataDirectory,
      HEADCNI_RUN_DIR: `${this.root}/run`,
      HEADCNI_RESULTS_DIR: this.resultsDirectory,
      HEADCNI_LOG_FILE: `${this.root}/plugin.log`,
    };
  }

  /** Makes the namespace of a pod, or of something else that `role` names; it goes with the node. */
  async makePod(role = "pod"): Promise<TestNetns> {
    return this.#owned.use(await TestNetns.make(role));
  }

  /** Calls a plugin in the node's namespace. */
  call({ verb, config, pod, env, plugin, enter = [] }: PluginCall): Promise<ProgramOutcome> {
    const isText = typeof config === "string" || config instanceof Uint8Array;
    return runProgram({
      enter: [...enter, ...this.enter],
      executable: plugin ?? this.plugin,
      env: {
        ...this.environment,
        CNI_COMMAND: verb,
        CNI_PATH: DEBIAN_PLUGINS,
        ...pod && { CNI_CONTAINERID: pod.name, CNI_NETNS: pod.path, CNI_IFNAME: "eth0" },
        ...env,
      },
      stdin: isText ? config : JSON.stringify(config),
    });
  }

  /** A call that must succeed; answers what it printed. */
  async succeed(call: PluginCall): Promise<string> {
    const { code, stdout, stderr } = await this.call(call);
    assertEquals({ code, stderr, failed: code === 0 ? "" : stdout }, {
      code: 0,
      stderr: "",
      failed: "",
    });
    return stdout;
  }

  /** ADD that must succeed. */
  async add(
    pod: TestPod,
    config: NetworkConfig,
    env?: Readonly<Record<string, string>>,
  ): Promise<AddResult> {
    return JSON.parse(await this.succeed({ verb: "ADD", config, pod, ...env && { env } }));
  }

  /** DEL that must succeed and say nothing. */
  async del(
    pod: TestPod,
    config: NetworkConfig,
    env?: Readonly<Record<string, string>>,
  ): Promise<void> {
    assertEquals(await this.succeed({ verb: "DEL", config, pod, ...env && { env } }), "");
  }

  /** A call that must fail with one error object of a code and no more; answers all it tells. */
  async fail(call: PluginCall, wanted: number): Promise<string> {
    const outcome = await this.call(call);
    if (outcome.code === 0) {
      throw new Error(`Cannot see ${call.verb} fail: it printed "${outcome.stdout}"`);
    }
    const { code, msg, details = "" }: ErrorObject = JSON.parse(outcome.stdout);
    assertEquals({ code, exitCode: outcome.code }, { code: wanted, exitCode: 1 }, msg);
    return `${msg} ${details}`;
  }

  /**
   * Adds and removes a pod, so that what belongs to the node and stays is there: the bridge, the
   * table of masquerade, forwarding.
   */
  async warmUp(config: NetworkConfig): Promise<void> {
    const pod = await this.makePod();
    await this.add(pod, config);
    await this.del(pod, config);
  }

  /** All that the node, the pods and the store hold. */
  async snapshot(pods: readonly TestPod[] = []): Promise<string> {
    const places = [this.host, ...pods].map(async (place) =>
      `${await place.snapshot()}\n${await place.run("sh", "-c", LIST_SYSCTLS)}`
    );
    return [...await Promise.all(places), await this.storeText()].join("\n");
  }

  /** Fails when `fn` leaves anything else behind in node, pods and store than was there before. */
  async unchangedBy(pods: readonly TestPod[], fn: () => Promise<unknown>): Promise<void> {
    const before = await this.snapshot(pods);
    await fn();
    assertSameLines(await this.snapshot(pods), before);
  }

  /** Who has what by the store, an entry a line; nothing is locked, so no call may be under way. */
  async storeText(): Promise<string> {
    const path = `${this.dataDirectory}/state.kv`;
    if (!await isFile(path)) return "";
    using kv = await Deno.openKv(path);
    const lines: string[] = [];
    for (const prefix of STORE_PREFIXES) {
      for await (const { key, value } of kv.list({ prefix: [prefix] })) {
        lines.push(`${Deno.inspect(key)} ${Deno.inspect(value, { depth: 20, sorted: true })}`);
      }
    }
    return lines.join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }
}

/** Fails with the lines that one text has and the other has not; their order says nothing. */
export function assertSameLines(actual: string, expected: string, msg?: string): void {
  const [after, before] = [actual.split("\n"), expected.split("\n")];
  const gone = before.filter((line) => !after.includes(line));
  const added = after.filter((line) => !before.includes(line));
  assertEquals({ gone, added }, { gone: [], added: [] }, msg);
}

/** Registers a test on a fresh node; without root it is skipped, saying so. */
export function nodeTest(name: string, fn: (node: TestNode) => Promise<void>): void {
  testUnless(missingRoot(), name, async () => {
    await using node = await TestNode.make();
    await fn(node);
  });
}

async function isFile(path: string): Promise<boolean> {
  try {
    return (await Deno.stat(path)).isFile;
  } catch {
    return false;
  }
}
