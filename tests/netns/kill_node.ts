/** A node of a test's own on which the shipped program is called, and killed. */
import { assertEquals, assertExists } from "@std/assert";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { formatAddress } from "../../lib/net/address.ts";
import type { Datapath } from "../../lib/pod/config.ts";
import { hostLinkName } from "../../lib/pod/identity.ts";
import { findAttachment, listAttachments } from "../../lib/store/attachments.ts";
import { findLease, listLeases } from "../../lib/store/leases.ts";
import { lockPath } from "../../lib/store/lock.ts";
import { openStore } from "../../lib/store/store.ts";
import { type ProgramOutcome, runProgram } from "../cli/program.ts";
import { HEADCNI } from "../cli/shipped.ts";
import { assertConsistent } from "../fakes/consistent_store.ts";
import { TestNetns } from "./namespace.ts";

/** Name of the network, and of the interface in each pod. */
const NETWORK = "pods";
const IFNAME = "eth0";
/** Gateways that the living pod pings. */
const GATEWAYS = ["10.9.0.1", "fd00:9::1"];

/** In bits, some 1 MB/s. */
export const POD_LIMITS = {
  ...{ ingressRate: 8_000_000, ingressBurst: 800_000 },
  ...{ egressRate: 8_000_000, egressBurst: 800_000 },
};

/** The port of the node that leads to each pod, on nodes that have some. */
const HOST_PORTS: Readonly<Record<PodName, number>> = {
  living: 8081,
  victim: 8082,
  newcomer: 8083,
};

/** The pods that a node has a namespace for. */
export type PodName = "living" | "victim" | "newcomer";

/** A call of the program. */
export interface NodeCall {
  readonly verb: "ADD" | "DEL" | "GC";
  /** Absent for GC. */
  readonly pod?: PodName;
  /** Pods that GC is told of. */
  readonly valid?: readonly PodName[];
  /** A command that runs what stands behind it, such as strace(1). */
  readonly under?: readonly string[];
}

/** How the pods of a node are attached. */
export interface KillNetwork {
  readonly datapath: Datapath;
  /** Whether the runtime asks for a host port and limits for each pod. */
  readonly hasExtras?: boolean;
}

/** A node with three pods, a store, locks and a log of its own. */
export class KillNode implements AsyncDisposable {
  readonly #network: KillNetwork;
  readonly #host: TestNetns;
  readonly #root: string;
  readonly #pods: Readonly<Record<PodName, TestNetns>>;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    network: KillNetwork,
    host: TestNetns,
    root: string,
    pods: Record<PodName, TestNetns>,
    owned: AsyncDisposableStack,
  ) {
    this.#network = network;
    this.#host = host;
    this.#root = root;
    this.#pods = pods;
    this.#owned = owned;
  }

  /** Makes a node on which nothing was ever attached. */
  static async make(network: KillNetwork): Promise<KillNode> {
    await using owned = new AsyncDisposableStack();
    const root = await Deno.makeTempDir({ prefix: "hct" });
    owned.defer(() => Deno.remove(root, { recursive: true }));
    const host = owned.use(await TestNetns.make("host"));
    const pods = {
      living: owned.use(await TestNetns.make("pod1")),
      victim: owned.use(await TestNetns.make("pod2")),
      newcomer: owned.use(await TestNetns.make("pod3")),
    };
    return new KillNode(network, host, root, pods, owned.move());
  }

  /** The folder of the store, the lock and the log. */
  get root(): string {
    return this.#root;
  }

  /** The lock of the store. */
  get lockFile(): string {
    const { directory, runDirectory } = this.#storeOptions;
    return lockPath(runDirectory, directory);
  }

  /** A file for a test's notes. */
  get notesFile(): string {
    return `${this.#root}/notes`;
  }

  /** Calls the program on this node as a runtime does. */
  call({ verb, pod, valid = [], under = [] }: NodeCall): Promise<ProgramOutcome> {
    const { directory, runDirectory } = this.#storeOptions;
    const ofPod = pod && {
      CNI_CONTAINERID: pod,
      CNI_NETNS: this.#pods[pod].path,
      CNI_IFNAME: IFNAME,
    };
    return runProgram({
      enter: ["nsenter", `--net=${this.#host.path}`, ...under],
      executable: HEADCNI,
      env: {
        CNI_COMMAND: verb,
        CNI_PATH: "/opt/cni/bin",
        ...ofPod,
        HEADCNI_DATA_DIR: directory,
        HEADCNI_RUN_DIR: runDirectory,
        HEADCNI_RESULTS_DIR: `${this.#root}/results`,
        HEADCNI_LOG_FILE: this.#logFile,
      },
      stdin: JSON.stringify({
        ...this.#config,
        ...pod && this.#network.hasExtras && { runtimeConfig: extrasOf(pod) },
        ...verb === "GC" && { "cni.dev/valid-attachments": valid.map(attachmentOf) },
      }),
    });
  }

  /** {@linkcode call} of ADD that must succeed; answers the addresses that the pod got. */
  async add(pod: PodName): Promise<string[]> {
    const outcome = await this.call({ verb: "ADD", pod });
    assertEquals([outcome.code, outcome.stderr], [0, ""], outcome.stdout);
    return addressesOf(outcome.stdout);
  }

  /** {@linkcode call} of DEL or GC that must succeed without a word. */
  async remove(call: NodeCall): Promise<void> {
    const { code, stdout, stderr } = await this.call(call);
    assertEquals({ code, stdout, stderr }, { code: 0, stdout: "", stderr: "" });
  }

  /** What the kernel holds for all pods but the living one, as text. */
  async snapshot(): Promise<string> {
    const { victim, newcomer } = this.#pods;
    const pods = [await victim.ip("address", "show"), await newcomer.ip("address", "show")];
    return [await this.#host.snapshot(), JSON.stringify(pods)].join("\n");
  }

  /** Fails unless the store is consistent and holds exactly these pods, with these addresses. */
  async assertStored(pods: Partial<Record<PodName, readonly string[]>>): Promise<void> {
    await using store = await openStore(this.#storeOptions);
    await assertConsistent(store);
    const { leases, attachments } = await store.read(async (reader) => ({
      leases: await listLeases(reader),
      attachments: await listAttachments(reader),
    }));
    const stored = leases.map(({ key, addresses }): [string, readonly string[]] => [
      key.containerId,
      addresses.map(({ address }) => formatAddress(address.address)),
    ]);
    assertEquals(stored, Object.entries(pods));
    assertEquals(
      attachments.map(({ key, phase }) => [key.containerId, phase]),
      Object.keys(pods).map((pod) => [pod, "added"]),
    );
  }

  /**
   * Fails when a pod has a link of which the store knows nothing: somebody else could get its
   * address. Looks at a copy of the store, so that the next call finds it as it was left.
   */
  async assertLinkIsLeased(pod: PodName): Promise<void> {
    const key = { network: NETWORK, containerId: pod, ifname: IFNAME };
    const link = await hostLinkName(key);
    const links = await this.#host.ip("link", "show");
    if (!links.some(({ ifname }) => ifname === link)) return;
    const { directory, runDirectory } = this.#storeOptions;
    await using copied = await copyDirectory(directory);
    await using store = await openStore({ directory: copied.path, runDirectory });
    await assertConsistent(store);
    await store.read(async (reader) => {
      assertExists(await findLease(reader, key), `${link} has no lease`);
      assertExists(await findAttachment(reader, key), `${link} has no attachment`);
    });
  }

  /** Fails unless the gateways answer the pod. */
  async assertReachable(pod: PodName): Promise<void> {
    for (const gateway of GATEWAYS) {
      await this.#pods[pod].run("ping", "-n", "-q", "-c", "1", "-W", "5", gateway);
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }

  get #config() {
    const ranges = [[{ subnet: "10.9.0.0/24" }], [{ subnet: "fd00:9::/64" }]];
    return {
      cniVersion: "1.1.0",
      name: NETWORK,
      type: "headcni",
      datapath: this.#network.datapath,
      ipam: { type: "headcni-ipam", ranges },
    };
  }

  get #storeOptions() {
    return { directory: `${this.#root}/data`, runDirectory: `${this.#root}/run` };
  }

  get #logFile(): string {
    return `${this.#root}/plugin.log`;
  }
}

/** As a runtime sends them. */
function extrasOf(pod: PodName) {
  const portMappings = [{ hostPort: HOST_PORTS[pod], containerPort: 80, protocol: "tcp" }];
  return { portMappings, bandwidth: POD_LIMITS };
}

/** A pod as GC is told of it. */
function attachmentOf(pod: PodName) {
  return { containerID: pod, ifname: IFNAME };
}

async function copyDirectory(from: string): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await Deno.makeTempDir({ prefix: "hct" });
  for await (const { name } of Deno.readDir(from)) {
    await Deno.copyFile(`${from}/${name}`, `${path}/${name}`);
  }
  return { path, [Symbol.asyncDispose]: () => Deno.remove(path, { recursive: true }) };
}

/** The addresses that an ADD printed, without their prefix lengths. */
export function addressesOf(stdout: string): string[] {
  const { ips }: { ips: { address: string }[] } = JSON.parse(stdout);
  return ips.map(({ address }) => formatAddress(parsePrefix(address).address));
}
