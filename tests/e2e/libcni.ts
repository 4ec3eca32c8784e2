/**
 * The real libcni on a node of a test's own: `cnitool`, and a program of ours where that can do too
 * little. Its cache of results, and what plugins of others keep, lie in the test's own folder.
 */
import { assertEquals } from "@std/assert";
import { dirname } from "@std/path";
import { type ProgramOutcome, runProgram } from "../cli/program.ts";
import { HEADCNI, missingProgram } from "../cli/shipped.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { missingDebian } from "../netns/debian.ts";
import {
  type AddResult,
  DEBIAN_PLUGINS,
  SUBNETS,
  TestNode,
  type TestPod,
} from "../netns/plugin.ts";
import type { TestNetns } from "../netns/namespace.ts";
import { PrivateMounts } from "../netns/private_mounts.ts";
import { findPeers } from "./peers.ts";

const PEERS = findPeers("libcni");

/** Name of the one network that is configured. */
const NETWORK = "pods";

const IFNAME = "eth0";

/** Where libcni keeps results, and other plugins their files: `CacheDir` in libcni/api.go. */
const CACHE = "/var/lib/cni";

/** What the node's daemon would say, for a configuration that names no addresses. */
const SUBNET_VARIABLES = {
  HEADCNI_NETWORK: "10.0.0.0/8",
  HEADCNI_SUBNET: SUBNETS[4],
  HEADCNI_IPV6_NETWORK: "fd00::/16",
  HEADCNI_IPV6_SUBNET: SUBNETS[6],
};

/** What every plugin of a list is, and what the runtime has for them. */
export interface PluginList {
  readonly cniVersion: string;
  readonly cniVersions?: readonly string[];
  readonly plugins: readonly Readonly<Record<string, unknown>>[];
  /** Whether the only plugin is configured by itself, in a `.conf`, and not by a list. */
  readonly isSingle?: boolean;
  /** What a pod asks for, by name of the capability. */
  readonly capabilities?: (pod: number) => Readonly<Record<string, unknown>>;
}

/** What names a pod; its namespace may be gone. */
type Place = Pick<TestPod, "path">;

/** A runtime made of libcni. */
export class Libcni implements AsyncDisposable {
  readonly node: TestNode;
  readonly #mounts: PrivateMounts;
  /** Paths of the pods that anything was asked for, in that order. */
  readonly #pods: string[] = [];
  #capabilities: PluginList["capabilities"];

  private constructor(node: TestNode, mounts: PrivateMounts) {
    this.node = node;
    this.#mounts = mounts;
  }

  static async make(node: TestNode): Promise<Libcni> {
    for (const name of ["net.d", "cni", "overlay"]) await Deno.mkdir(`${node.root}/${name}`);
    const overlay = `${node.root}/overlay`;
    const layers = `lowerdir=/var/lib,upperdir=${overlay}/upper,workdir=${overlay}/work`;
    // The machine may have no such directory, and libcni knows no other.
    const mounts = await PrivateMounts.make(`
      mount -t tmpfs hct ${overlay}
      mkdir ${overlay}/upper ${overlay}/work
      mount -t overlay -o ${layers} hct /var/lib
      mkdir -p ${CACHE}
      mount --bind ${node.root}/cni ${CACHE}
    `);
    await forgoDuplicateDetection(node.host);
    return new Libcni(node, mounts);
  }

  /** Makes the namespace of a pod. */
  async makePod(): Promise<TestNetns> {
    const pod = await this.node.makePod();
    await forgoDuplicateDetection(pod);
    return pod;
  }

  /** Sets the list of plugins; pods keep what they have. */
  async configure(list: PluginList): Promise<void> {
    const { cniVersion, cniVersions, plugins, isSingle = false } = list;
    this.#capabilities = list.capabilities;
    const keys = { cniVersion, cniVersions, name: NETWORK };
    await Deno.writeTextFile(
      `${this.node.root}/net.d/${NETWORK}.${isSingle ? "conf" : "conflist"}`,
      JSON.stringify(isSingle ? { ...plugins[0], ...keys } : { ...keys, plugins }),
    );
  }

  async add(pod: Place): Promise<AddResult> {
    return JSON.parse(await this.#onPod("add", pod));
  }

  async check(pod: Place): Promise<void> {
    assertEquals(await this.#onPod("check", pod), "");
  }

  async del(pod: Place): Promise<void> {
    assertEquals(await this.#onPod("del", pod), "");
  }

  /** As cnitool does it: all that libcni remembers goes, and plugins are not told what is valid. */
  async gc(): Promise<void> {
    assertEquals(await this.#succeed("cnitool", "gc", NETWORK, "/"), "");
  }

  /** GC as a runtime calls it that knows which pods it has. */
  async gcBut(pods: readonly Place[]): Promise<void> {
    const ids = await Promise.all(pods.map(containerId));
    assertEquals(await this.#succeed("libcni_gc", NETWORK, ...ids), "");
  }

  /** STATUS; answers what is wrong, empty when nothing is. */
  async status(): Promise<string> {
    const { code, stderr } = await this.#run("cnitool", ["status", NETWORK, "/"]);
    assertEquals(code, stderr === "" ? 0 : 1, stderr);
    return stderr.trim();
  }

  /** A verb that must fail; answers what libcni says of it. */
  async fail(verb: "add" | "check" | "del", pod: Place): Promise<string> {
    const { code, stderr } = await this.#callOnPod(verb, pod);
    assertEquals(code, 1, stderr);
    return stderr.trim();
  }

  /** Makes libcni forget a pod. */
  async forget(pod: Place): Promise<void> {
    const name = `${NETWORK}-${await containerId(pod)}-${IFNAME}`;
    await Deno.remove(`${this.node.root}/cni/results/${name}`);
  }

  /** All that the node, the pods and the store hold, and the files that anybody keeps of them. */
  async snapshot(pods: readonly TestPod[]): Promise<string> {
    const list = `find ${CACHE} -type f ! -name 'last_reserved_ip.*' | sort`;
    const files = await this.#mounts.run(list);
    return `${await this.node.snapshot(pods)}\n# files\n${files}`;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mounts[Symbol.asyncDispose]();
  }

  async #onPod(verb: string, pod: Place): Promise<string> {
    return expectSuccess(await this.#callOnPod(verb, pod), `${verb} ${pod.path}`);
  }

  /** With what the pod asks for, which runtimes send with each verb. */
  #callOnPod(verb: string, { path }: Place): Promise<ProgramOutcome> {
    if (!this.#pods.includes(path)) this.#pods.push(path);
    const asked = this.#capabilities?.(this.#pods.indexOf(path));
    return this.#run("cnitool", [verb, NETWORK, path], asked ? JSON.stringify(asked) : "");
  }

  async #succeed(program: string, ...args: readonly string[]): Promise<string> {
    return expectSuccess(await this.#run(program, args), `${program} ${args.join(" ")}`);
  }

  #run(program: string, args: readonly string[], capabilities = ""): Promise<ProgramOutcome> {
    return runProgram({
      enter: [...this.#mounts.enter, "nsenter", `--net=${this.node.host.path}`],
      executable: `${PEERS.path}/${program}`,
      args,
      env: {
        ...this.node.environment,
        ...SUBNET_VARIABLES,
        HEADCNI_RESULTS_DIR: "", // the real one
        NETCONFPATH: `${this.node.root}/net.d`,
        CNI_PATH: `${dirname(HEADCNI)}:${DEBIAN_PLUGINS}`,
        CNI_IFNAME: IFNAME,
        CAP_ARGS: capabilities,
      },
    });
  }
}

/** Registers a test on a fresh node with libcni. */
export function libcniTest(name: string, fn: (libcni: Libcni) => Promise<void>): void {
  const missing = missingDebian() || missingProgram() || PEERS.missing;
  testUnless(missing, `libcni: ${name}`, async () => {
    await using node = await TestNode.make();
    await using libcni = await Libcni.make(node);
    await fn(libcni);
  });
}

function expectSuccess({ code, stdout, stderr }: ProgramOutcome, call: string): string {
  assertEquals({ code, stderr }, { code: 0, stderr: "" }, call);
  return stdout;
}

/** Links that others make would get link-local addresses seconds later, while we compare. */
async function forgoDuplicateDetection(netns: TestNetns): Promise<void> {
  await netns.run("sysctl", "-qw", "net.ipv6.conf.default.accept_dad=0");
}

/** How cnitool names a container: from the path of its namespace, `main` in cnitool.go. */
async function containerId({ path }: Place): Promise<string> {
  const digest = await crypto.subtle.digest("SHA-512", new TextEncoder().encode(path));
  return `cnitool-${new Uint8Array(digest, 0, 10).toHex()}`;
}
