/**
 * A machine of a test's own with Debian's podman on it: network, mount and process namespaces, a
 * /run of its own, a copy-on-write /var/lib, and one temporary folder. Containers and mounts end
 * with the process that holds the namespaces, and that one when its standard input does: they are
 * gone whatever happens to a test.
 */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { HEADCNI, isFile } from "../cli/shipped.ts";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { run, TestNetns } from "../netns/namespace.ts";

/** Where Debian installs the reference plugins. */
const DEBIAN_PLUGINS = "/usr/lib/cni";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/**
 * Runs inside the namespaces, before anything else. The shell stays, for the first process has to
 * reap what others leave behind.
 */
const SET_UP = `
  set -e
  mount -t tmpfs hct /run
  mkdir /run/upper /run/work
  mount -t overlay -o lowerdir=/var/lib,upperdir=/run/upper,workdir=/run/work hct /var/lib
  ip link set lo up
  echo ready
  cat
  exit
`;

/** Names of programs in the image, all of them busybox. */
const PROGRAMS: readonly string[] = ["sleep", "ping", "ip", "httpd"];

/** A network as `net.d` holds it. */
export interface PodmanNetwork {
  readonly name: string;
  readonly plugins: readonly Readonly<Record<string, unknown>>[];
}

/** One attachment of `headcni status`, by the fields that tests look at. */
export interface Attachment {
  readonly addresses: readonly string[];
  readonly hostLink: string;
}

/** A plugin of type `headcni` for a conflist. */
export function headcni(
  subnet: string,
  keys: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return { type: "headcni", ipam: { type: "headcni-ipam", subnet }, ...keys };
}

/** The machine. */
export class PodmanHost implements AsyncDisposable {
  /** Holds everything that is not in the namespaces. */
  readonly folder: string;
  /** In the place of the machine's network. */
  readonly netns: TestNetns;
  readonly #namespaces: readonly string[];
  readonly #owned: AsyncDisposableStack;

  private constructor(folder: string, netns: TestNetns, pid: number, owned: AsyncDisposableStack) {
    this.folder = folder;
    this.netns = netns;
    this.#namespaces = ["nsenter", `--target=${pid}`, "--net", "--mount", "--pid"];
    this.#owned = owned;
  }

  static async start(networks: readonly PodmanNetwork[]): Promise<PodmanHost> {
    if (!isFile(HEADCNI)) await run(Deno.execPath(), "task", "--cwd", ROOT, "build");
    await using owned = new AsyncDisposableStack();
    const folder = await Deno.makeTempDir({ prefix: "hct" });
    owned.defer(() => Deno.remove(folder, { recursive: true }));
    const netns = owned.use(await TestNetns.make("podman"));
    owned.defer(() => removeCgroups(netns.name));
    const pid = await holdNamespaces(netns, owned);
    await writeConfiguration(folder, networks);
    const image = await makeImage(folder);
    const host = new PodmanHost(folder, netns, pid, owned.move());
    try {
      await host.podman("import", "--quiet", image, "localhost/test");
      return host;
    } catch (error) {
      await host[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Directory of the leases. */
  get store(): string {
    return join(this.folder, "state");
  }

  /** Runs a command of this machine inside the namespaces. */
  run(...command: readonly string[]): Promise<string> {
    const [program = "", ...args] = [
      ...this.#namespaces,
      "env",
      ...this.#environment(),
      ...command,
    ];
    return run(program, ...args);
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

  /** What `headcni status` lists of the store. */
  async attachments(): Promise<Attachment[]> {
    const text = await this.run(HEADCNI, "status", "--store", this.store, "--output", "json");
    return JSON.parse(text).stores[0].attachments;
  }

  /** Fails when anything is left of a container: lease, veth, namespace, host port. */
  async expectNoContainer(): Promise<void> {
    assertEquals(await this.attachments(), []);
    assertEquals(await this.netns.run("ip", "link", "show", "type", "veth"), "");
    assertEquals(await this.run("sh", "-c", "ls /run/netns 2>/dev/null || true"), "");
    assertEquals(/dnat to/i.test(await this.netns.run("nft", "list", "ruleset")), false);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }

  #environment(): string[] {
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
  networks: readonly PodmanNetwork[],
  fn: (host: PodmanHost) => Promise<void>,
): void {
  testUnless(missingPrograms(), `podman: ${name}`, async () => {
    await using host = await PodmanHost.start(networks);
    await fn(host);
    await host.removeContainers();
    await host.expectNoContainer();
  });
}

/** Why these tests must be skipped; empty when they can run. */
function missingPrograms(): string {
  const needed = [
    "/usr/bin/podman",
    "/usr/sbin/runc",
    "/usr/bin/busybox",
    `${DEBIAN_PLUGINS}/portmap`,
  ];
  const missing = needed.find((path) => !isFile(path));
  return missingRoot() || (missing ? `needs ${missing}` : "");
}

/** Starts the process that holds the namespaces; answers its id, and ends it with `owned`. */
async function holdNamespaces(netns: TestNetns, owned: AsyncDisposableStack): Promise<number> {
  const unshare = ["unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"];
  const child = new Deno.Command("nsenter", {
    args: [`--net=${netns.path}`, ...unshare, "sh", "-c", SET_UP],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const output = child.stdout.getReader();
  owned.defer(async () => {
    await child.stdin.close();
    await output.cancel();
    await child.status;
  });
  const { value } = await output.read();
  if (!value) throw new Error("Cannot make namespaces for podman: unshare or mount failed");
  const children = await Deno.readTextFile(`/proc/${child.pid}/task/${child.pid}/children`);
  return Number(children.trim());
}

async function writeConfiguration(
  folder: string,
  networks: readonly PodmanNetwork[],
): Promise<void> {
  for (const name of ["tmp", "bin", "net.d"]) await Deno.mkdir(join(folder, name));
  await Deno.symlink(HEADCNI, join(folder, "bin/headcni"));
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
  // Not in the environment: the process that cleans up after a container does not inherit ours.
  const ours = { dataDir: join(folder, "state"), logFile: join(folder, "plugin.log") };
  for (const { name, plugins: given } of networks) {
    const plugins = given.map((keys) => keys.type === "headcni" ? { ...keys, ...ours } : keys);
    const list = { cniVersion: "1.0.0", name, plugins };
    await Deno.writeTextFile(join(folder, `net.d/${name}.conflist`), JSON.stringify(list));
  }
}

/** A file system of nothing but Debian's static busybox, as an archive. */
async function makeImage(folder: string): Promise<string> {
  const bin = join(folder, "image/bin");
  await Deno.mkdir(bin, { recursive: true });
  await Deno.copyFile("/usr/bin/busybox", join(bin, "busybox"));
  for (const program of PROGRAMS) await Deno.symlink("busybox", join(bin, program));
  await Deno.writeTextFile(join(folder, "image/index.html"), "hello\n");
  await run("tar", "-C", join(folder, "image"), "-cf", join(folder, "image.tar"), ".");
  return join(folder, "image.tar");
}

/** Groups of processes are no part of the namespaces. */
async function removeCgroups(cgroup: string): Promise<void> {
  const pattern = `*/${cgroup}*`;
  await run("find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", pattern, "-delete");
}
