/**
 * A machine of a test's own with Debian's containerd on it, whose CRI plugin is spoken to as the
 * kubelet does. Each network of a test is that of a runtime handler of the same name, for one
 * containerd serves all of them then; the one named `pods` is the default.
 */
import { join } from "@std/path";
import type { LeaseView } from "../../commands/admin/ipam/lease_view.ts";
import { pause } from "../../lib/pause.ts";
import { HEADCNI } from "../cli/shipped.ts";
import { Cri, isStarting, type PodRequest } from "./cri.ts";
import { archiveImage } from "./docker_archive.ts";
import {
  archiveBusybox,
  firstChild,
  Machine,
  type MachineParts,
  makeMachine,
  missingFor,
} from "./machine.ts";
import { DEBIAN_PLUGINS, type Network, writeConflist } from "./network.ts";

/** Image of all containers, the one that holds a pod's namespaces included. */
export const IMAGE = "test.invalid/busybox:1";

/** Plugins that are not ours and that a chain may name. */
const NEIGHBOURS: readonly string[] = ["bridge", "host-local", "portmap", "tuning"];

/** How long to wait between questions whether something is so. */
const ASK_AGAIN_MS = 20;

/** How long the runtime or the kernel may take for what they tell nobody of. */
const SETTLE_MS = 30_000;

/** Where containerd mounts network namespaces when they are under its state directory. */
const NETNS_DIRECTORY = "/run/containerd/io.containerd.grpc.v1.cri/netns";

/** Where libcni keeps the results of ADD. */
const RESULTS_DIRECTORY = "/var/lib/cni/results";

/** The network of the default runtime handler. */
const DEFAULT_NETWORK = "pods";

/** What a test asks of a pod. */
export interface PodOptions extends Pick<PodRequest, "name" | "ports" | "annotations"> {
  /** Name of a network of the machine; `pods` when left out. */
  readonly network?: string;
}

/** Why these tests must be skipped; empty when they can run. */
export function missingContainerd(): string {
  const neighbours = NEIGHBOURS.map((name) => join(DEBIAN_PLUGINS, name));
  return missingFor(["/usr/bin/containerd", "/usr/bin/ctr", ...neighbours]);
}

/** Asks again until something is so, or for longer than it may take. */
export async function settled(isSo: () => Promise<boolean>): Promise<void> {
  const end = AbortSignal.timeout(SETTLE_MS);
  while (!end.aborted && !await isSo()) await pause(ASK_AGAIN_MS);
}

/** How a machine differs from one that has everything in its folder. */
export interface ContainerdLayout {
  /** Where plugins and network configurations of the default runtime handler are. */
  readonly binDirectory: string;
  readonly confDirectory: string;
  /** Shell that runs inside before containerd does. */
  readonly setUp: string;
}

/** The machine. */
export class ContainerdHost extends Machine {
  /** Speaks to containerd, also to one that was started again. */
  readonly cri: Cri;
  #server: Deno.ChildProcess | undefined;

  private constructor(parts: MachineParts) {
    super(parts);
    this.cri = this.owned.use(new Cri(this.socket));
    this.owned.defer(() => this.stopServer("SIGKILL"));
  }

  /** Makes the machine and starts containerd on it. */
  static async start(
    networks: readonly Network[],
    layout?: ContainerdLayout,
  ): Promise<ContainerdHost> {
    const host = new ContainerdHost(await makeMachine("containerd"));
    try {
      await writeConfiguration(host.folder, networks, layout);
      if (layout) await host.run("sh", "-ec", layout.setUp);
      const image = await archiveImage(await archiveBusybox(host.folder), IMAGE);
      await host.startServer();
      await host.images("import", image);
      return host;
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Path of containerd's socket. */
  get socket(): string {
    return join(this.folder, "containerd.sock");
  }

  /** Has `ctr images` do something with the images that pods can have. */
  images(...args: readonly string[]): Promise<string> {
    return this.run("ctr", "-a", this.socket, "-n", "k8s.io", "images", ...args);
  }

  /** Directory of the conflists of the default runtime handler, which containerd watches. */
  get netDirectory(): string {
    return join(this.folder, "net.d");
  }

  /** Puts a plugin of a few lines of shell into `bin`, in one step. */
  async addPlugin(name: string, script: string): Promise<void> {
    const draft = join(this.folder, `${name}.draft`);
    await Deno.writeTextFile(draft, `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    await Deno.rename(draft, join(this.bin, name));
  }

  /** Puts another plugin in the place of one, until the answer is disposed of. */
  async replacePlugin(name: string, script: string): Promise<AsyncDisposable> {
    const [path, kept] = [join(this.bin, name), join(this.folder, `${name}.kept`)];
    await Deno.rename(path, kept);
    await this.addPlugin(name, script);
    return { [Symbol.asyncDispose]: () => Deno.rename(kept, path) };
  }

  /** Calls our plugin as a runtime would that sends more verbs than this one. */
  async callPlugin(verb: string, config: Readonly<Record<string, unknown>>): Promise<string> {
    const stdin = join(this.folder, "stdin.json");
    await Deno.writeTextFile(stdin, JSON.stringify({ ...config, dataDir: this.store }));
    const call = `CNI_COMMAND=${verb} CNI_PATH=${this.bin} exec ${this.bin}/headcni <${stdin}`;
    return await this.run("sh", "-c", call);
  }

  /** The verbs that our plugin was called with for a network and that it came to the end of. */
  async calls(network: string): Promise<string[]> {
    const log = await Deno.readTextFile(join(this.folder, "plugin.log"));
    const lines: { network?: string; verb?: string }[] = log.trim().split("\n").map((line) =>
      JSON.parse(line)
    );
    return lines.flatMap((line) => line.network === network ? line.verb ?? [] : []);
  }

  /** Path of the network namespace of a pod that has a lease. */
  async netnsOf(containerId: string): Promise<string> {
    const list = [HEADCNI, "ipam", "ls", "--store", this.store, "--output", "json"];
    const { leases }: { leases: LeaseView[] } = JSON.parse(await this.run(...list));
    return leases.find((lease) => lease.containerId === containerId)?.netns ?? "";
  }

  /** Kills a process; all of a pod end with its first one. */
  async kill(pid: number): Promise<void> {
    await this.run("kill", "-KILL", String(pid));
  }

  /** Takes the network namespace of a pod away, whether the pod runs or not. */
  async removeNamespace(path: string): Promise<void> {
    await this.run("umount", path);
    await this.run("rm", path);
  }

  /** Starts containerd and waits until it answers. */
  async startServer(): Promise<void> {
    const log = join(this.folder, "containerd.log");
    const start = `exec containerd --config ${this.folder}/config.toml 2>>${log}`;
    const [program = "", ...args] = [...this.enter, "sh", "-c", start];
    this.#server = new Deno.Command(program, { args, stdin: "null", stdout: "null" }).spawn();
    const ended = this.#server.status.then(async ({ code }) => {
      this.#server = undefined;
      throw new Error(`Cannot start containerd: exit ${code}: ${await Deno.readTextFile(log)}`);
    });
    await Promise.race([this.#answers(), ended]);
    ended.catch(() => {}); // it ends when the test wants it to
  }

  /** Ends containerd, not the pods. */
  async stopServer(signal: Deno.Signal): Promise<void> {
    if (!this.#server) return;
    Deno.kill(await firstChild(this.#server.pid), signal);
    await this.#server.status;
  }

  /** Starts a pod; answers its id. */
  runPod(pod: PodOptions, deadlineMs?: number): Promise<string> {
    return this.cri.runPod(this.#request(pod), deadlineMs);
  }

  /** Starts a container in a pod; answers its id. */
  startContainer(podId: string, pod: PodOptions, ...command: readonly string[]): Promise<string> {
    return this.cri.startContainer(podId, this.#request(pod), IMAGE, command);
  }

  /** Stops and removes a pod, as the kubelet does. */
  async endPod(id: string): Promise<void> {
    await this.cri.stopPod(id);
    await this.cri.removePod(id);
  }

  /** Names of the pods' network namespaces. */
  override namespaces(): Promise<string> {
    return this.run("sh", "-c", `ls ${NETNS_DIRECTORY} 2>/dev/null || true`);
  }

  /** Stops and removes all pods. */
  async endPods(): Promise<void> {
    for (const id of await this.cri.listPods()) await this.endPod(id);
  }

  /** All that pods may leave behind, as text: what the node, the store and containerd hold. */
  async snapshot(): Promise<string> {
    const attachments = (await this.attachments()).map((each) => JSON.stringify(each));
    const files = await this.run("sh", "-c", `ls ${RESULTS_DIRECTORY} 2>/dev/null || true`);
    return [
      await this.netns.snapshot(),
      ...["# attachments", ...attachments],
      ...["# network namespaces", await this.namespaces()],
      ...["# results", files],
      ...["# pods", ...await this.cri.listPods()],
    ].join("\n");
  }

  #request({ network = DEFAULT_NETWORK, ...pod }: PodOptions): PodRequest {
    const handler = network === DEFAULT_NETWORK ? "" : network;
    return { ...pod, handler, cgroup: `/${this.netns.name}` };
  }

  /** The socket is there before the CRI plugin serves it. */
  async #answers(): Promise<void> {
    await this.cri.connected();
    while (true) {
      try {
        await this.cri.networkFault();
        return;
      } catch (error) {
        if (!isStarting(error)) throw error;
        await pause(ASK_AGAIN_MS);
      }
    }
  }
}

/** Plugins in `bin`, the conflists of each runtime handler, and what containerd is told. */
async function writeConfiguration(
  folder: string,
  networks: readonly Network[],
  layout?: ContainerdLayout,
): Promise<void> {
  const bin = join(folder, "bin");
  await Deno.symlink(HEADCNI, join(bin, "loopback"));
  for (const name of NEIGHBOURS) await Deno.symlink(join(DEBIAN_PLUGINS, name), join(bin, name));
  const handlers: string[] = [];
  for (const network of networks) {
    const isDefault = network.name === DEFAULT_NETWORK;
    const directory = join(folder, isDefault ? "net.d" : `net.d-${network.name}`);
    await Deno.mkdir(directory, { recursive: true });
    await writeConflist(folder, directory, network);
    if (!isDefault) handlers.push(handlerText(network.name, directory));
  }
  await Deno.writeTextFile(
    join(folder, "config.toml"),
    `version = 2
root = "${folder}/root"
state = "/run/containerd"
[grpc]
  address = "${folder}/containerd.sock"
[plugins."io.containerd.internal.v1.opt"]
  path = "${folder}/opt"
[plugins."io.containerd.grpc.v1.cri"]
  sandbox_image = "${IMAGE}"
  netns_mounts_under_state_dir = true
  restrict_oom_score_adj = true
  [plugins."io.containerd.grpc.v1.cri".cni]
    bin_dir = "${layout?.binDirectory ?? bin}"
    conf_dir = "${layout?.confDirectory ?? `${folder}/net.d`}"
  [plugins."io.containerd.grpc.v1.cri".containerd]
    snapshotter = "overlayfs"
    default_runtime_name = "runc"
    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.runc]
      runtime_type = "io.containerd.runc.v2"
${handlers.join("")}`,
  );
}

function handlerText(name: string, directory: string): string {
  return `    [plugins."io.containerd.grpc.v1.cri".containerd.runtimes.${name}]
      runtime_type = "io.containerd.runc.v2"
      cni_conf_dir = "${directory}"
`;
}
