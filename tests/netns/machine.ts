/**
 * A machine of a test's own, on which the shipped program is installed: its folders are of this test
 * alone, its systemd is one that a test sees through, and its network is a namespace.
 */
import { assertEquals } from "@std/assert";
import { type ProgramOutcome, runProgram } from "../cli/program.ts";
import { HEADCNI, missingProgram } from "../cli/shipped.ts";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { TestNetns } from "./namespace.ts";
import { type AddResult, type NetworkConfig, SUBNETS } from "./plugin.ts";
import { PrivateMounts } from "./private_mounts.ts";

/** Settings of a daemon that asks nobody, as flags of `headcni install`. */
export const SETTINGS: readonly string[] = [
  `network.podCIDR.nodeLocal=${SUBNETS[4]}`,
  "network.podCIDR.base=10.9.0.0/16",
  "kube.access=off",
  "tailscale.mode=off",
  "monitoring.enabled=false",
].flatMap((setting) => ["--set", setting]);

/** Folders that an installation may change. The log is meant to stay. */
const FOLDERS = ["/etc/cni", "/etc/headcni", "/etc/systemd/system", "/opt", "/usr/local/bin"];

/** Every file with its type, mode, owner, target, and content, but for the tests' own and Deno's cache. */
const LIST_FILES = `
  list() {
    find ${FOLDERS.join(" ")} /var/lib /run -path /run/netns -prune -o -path /run/fake -prune -o \\
      -path '*/cache' -prune -o "$@"
  }
  list -printf '%p %y %m %U:%G %l\\n' 2>/dev/null | sort
  list -type f -exec sha256sum {} + 2>/dev/null | sort`;

const LIST_SYSCTLS = "cd /proc/sys/net && " +
  "grep -rs . ipv4/conf ipv6/conf ipv4/ip_forward | grep -v stable_secret | sort";

/** One such machine. */
export class TestMachine implements AsyncDisposable {
  readonly host: TestNetns;
  readonly mounts: PrivateMounts;
  /** A temporary directory, on the real machine. */
  readonly root: string;
  readonly #owned: AsyncDisposableStack;

  private constructor(
    host: TestNetns,
    mounts: PrivateMounts,
    root: string,
    owned: AsyncDisposableStack,
  ) {
    this.host = host;
    this.mounts = mounts;
    this.root = root;
    this.#owned = owned;
  }

  static async make(): Promise<TestMachine> {
    await using owned = new AsyncDisposableStack();
    const root = await Deno.makeTempDir({ prefix: "hct" });
    owned.defer(() => Deno.remove(root, { recursive: true }));
    const host = owned.use(await TestNetns.make("host"));
    const mounts = owned.use(await PrivateMounts.make(mountScript(root)));
    return new TestMachine(host, mounts, root, owned.move());
  }

  /** A command that runs what stands behind it on this machine. */
  get enter(): readonly string[] {
    return [...this.mounts.enter, "nsenter", `--net=${this.host.path}`];
  }

  /** Runs a script of the shell there. */
  run(script: string): Promise<string> {
    return this.mounts.run(
      `nsenter --net=${this.host.path} sh -ec '${script.replaceAll("'", `'\\''`)}'`,
    );
  }

  /** Calls the program: the built one, or another by its path on the machine. */
  call(
    args: readonly string[],
    executable = HEADCNI,
    enter: readonly string[] = [],
  ): Promise<ProgramOutcome> {
    return runProgram({
      enter: [...this.enter, ...enter],
      executable,
      args,
      env: { PATH: `/run/fake:${Deno.env.get("PATH")}`, HEADCNI_CONFIG: "" },
    });
  }

  /** A call that must succeed; answers what it printed as JSON. */
  async succeed(args: readonly string[], executable = HEADCNI): Promise<Report> {
    const { code, stdout, stderr } = await this.call([...args, "--output", "json"], executable);
    assertEquals([code, stderr], [0, ""], stdout);
    return JSON.parse(stdout);
  }

  /** Makes the namespace of a pod. */
  async makePod(): Promise<TestNetns> {
    return this.#owned.use(await TestNetns.make("pod"));
  }

  /** The network configuration that the runtime finds, as it is sent to our plugin. */
  async network(): Promise<NetworkConfig> {
    const text = await this.run("cat /etc/cni/net.d/05-headcni.conflist");
    const { name, cniVersion, plugins: [own] } = JSON.parse(text);
    return { cniVersion, name, ...own };
  }

  /** Calls the plugin where the runtime finds it. */
  async plugin(verb: "ADD" | "DEL", pod: TestNetns, config: NetworkConfig): Promise<AddResult> {
    const { code, stdout, stderr } = await runProgram({
      enter: this.enter,
      executable: "/opt/cni/bin/headcni",
      env: {
        CNI_COMMAND: verb,
        CNI_PATH: "/opt/cni/bin",
        CNI_CONTAINERID: pod.name,
        CNI_NETNS: pod.path,
        CNI_IFNAME: "eth0",
      },
      stdin: JSON.stringify(config),
    });
    assertEquals([code, stderr], [0, ""], stdout);
    return verb === "ADD" ? JSON.parse(stdout) : { cniVersion: "" };
  }

  /** All that is on the machine, as text: files, links, rules, packet filters. */
  async snapshot(): Promise<string> {
    return [
      await this.host.snapshot(),
      await this.host.run("sh", "-c", LIST_SYSCTLS),
      await this.run(LIST_FILES),
    ].join("\n");
  }

  /** The calls of systemctl since the last time. */
  async takeCalls(): Promise<string[]> {
    const text = await this.run("cat /run/fake/calls 2>/dev/null || true; rm -f /run/fake/calls");
    return text.trim() === "" ? [] : text.trim().split("\n");
  }

  /** What the service said, for a test that fails. */
  log(): Promise<string> {
    return this.run("cat /run/fake/log 2>/dev/null || true");
  }

  /** Ends the service, however it is. */
  async killService(): Promise<void> {
    await this.run('kill -9 "$(cat /run/fake/pid)" 2>/dev/null || true');
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.killService();
    await this.#owned[Symbol.asyncDispose]();
  }
}

/** What `install` and its company print, by the fields that tests look at. */
export interface Report {
  readonly release: string;
  /** Of an upgrade. */
  readonly from?: string;
  readonly done: readonly string[];
  readonly kept: readonly string[];
  readonly failures: readonly string[];
  readonly missing: readonly string[] | null;
  /** Of a restore. */
  readonly addresses?: { readonly imported: number; readonly present: number };
  readonly install?: Report;
}

/**
 * Registers a test on a machine of its own; without root or the program it is skipped, saying so.
 * @param missing what else is; empty when nothing is.
 */
export function machineTest(
  name: string,
  fn: (machine: TestMachine) => Promise<void>,
  missing = "",
): void {
  testUnless(missingRoot() || missingProgram() || missing, name, async () => {
    await using machine = await TestMachine.make();
    try {
      await fn(machine);
    } catch (error) {
      console.error(await machine.log());
      throw error;
    }
  });
}

/** Changes go to memory; no container runtime and no HeadCNI of the real machine is seen. */
function mountScript(root: string): string {
  const systemctl = new URL("../fakes/systemctl.ts", import.meta.url).pathname;
  const command = `${Deno.execPath()} run -A --quiet --no-config --unstable-net ${systemctl}`;
  return `
    mkdir ${root}/mounted
    mount -t tmpfs hct ${root}/mounted
    cd ${root}/mounted
    for folder in /etc /usr/local; do
      mkdir -p upper$folder work$folder
      mount -t overlay -o lowerdir=$folder,upperdir=upper$folder,workdir=work$folder hct $folder
    done
    mkdir -p run/netns lib log opt
    mount --rbind /run/netns run/netns
    mount --rbind run /run
    mount --bind lib /var/lib
    mount --bind log /var/log
    mount --bind opt /opt
    rm -rf /etc/containerd /etc/crio /etc/rancher /etc/k0s /etc/cni /etc/headcni
    rm -rf /etc/kubernetes /usr/local/bin/headcni /etc/systemd/system/headcni.service
    mkdir -p /run/fake /run/systemd/system
    printf '#!/bin/sh\\nexec ${command} /run/fake "$@"\\n' >/run/fake/systemctl
    chmod 755 /run/fake/systemctl`;
}
