/** A machine of a test's own with Debian's podman on it, which uses its CNI backend. */
import { join } from "@std/path";
import { testUnless } from "../fakes/test_unless.ts";
import { archiveBusybox, Machine, makeMachine, missingFor } from "./machine.ts";
import { DEBIAN_PLUGINS, type Network, writeConflist } from "./network.ts";

/** The machine. */
export class PodmanHost extends Machine {
  /** Makes the machine and the image on it. */
  static async start(networks: readonly Network[]): Promise<PodmanHost> {
    const host = new PodmanHost(await makeMachine("podman"));
    try {
      await writeConfiguration(host.folder, networks);
      await host.podman("import", "--quiet", await archiveBusybox(host.folder), "localhost/test");
      return host;
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** A command that is podman inside of the namespaces, for what stands behind it. */
  get command(): readonly string[] {
    return [...this.enter, "env", ...this.environment(), "podman"];
  }

  async podman(...args: readonly string[]): Promise<string> {
    return (await this.run("podman", ...args)).trim();
  }

  /** Starts a container that does nothing; answers its id. */
  startContainer(name: string, ...options: readonly string[]): Promise<string> {
    const cgroup = ["--cgroup-parent", `/${this.netns.name}`];
    return this.podman(
      ...["run", "--detach", "--name", name, ...cgroup, ...options, "localhost/test"],
      ...["sleep", "600"],
    );
  }

  /** Removes all containers. */
  async removeContainers(): Promise<void> {
    await this.podman("rm", "--force", "--all", "--time", "0");
  }

  protected override environment(): string[] {
    return [
      `CONTAINERS_CONF=${this.folder}/containers.conf`,
      `CONTAINERS_STORAGE_CONF=${this.folder}/storage.conf`,
      `TMPDIR=${this.folder}/tmp`,
    ];
  }
}

/**
 * Registers a test on a fresh machine with these networks. At its end all containers are removed,
 * and nothing of them may be left.
 */
export function podmanTest(
  name: string,
  networks: readonly Network[],
  fn: (host: PodmanHost) => Promise<void>,
): void {
  const missing = missingFor(["/usr/bin/podman", `${DEBIAN_PLUGINS}/portmap`]);
  testUnless(missing, `podman: ${name}`, async () => {
    await using host = await PodmanHost.start(networks);
    await fn(host);
    await host.removeContainers();
    await host.expectNoContainer();
  });
}

async function writeConfiguration(
  folder: string,
  networks: readonly Network[],
): Promise<void> {
  await Deno.mkdir(join(folder, "tmp"));
  await Deno.writeTextFile(
    join(folder, "containers.conf"),
    `[containers]
default_ulimits = ["nofile=1024:4096", "nproc=4096:8192"]
log_driver = "k8s-file"
[engine]
cgroup_manager = "cgroupfs"
events_logger = "file"
runtime = "runc"
[network]
network_backend = "cni"
cni_plugin_dirs = ["${folder}/bin", "${DEBIAN_PLUGINS}"]
network_config_dir = "${folder}/net.d"
default_network = "${networks[0]?.name}"
`,
  );
  await Deno.writeTextFile(
    join(folder, "storage.conf"),
    `[storage]
driver = "overlay"
runroot = "/run/storage"
graphroot = "${folder}/storage"
`,
  );
  for (const each of networks) await writeConflist(folder, join(folder, "net.d"), each);
}
