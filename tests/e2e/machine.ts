/**
 * A machine of a test's own for a container runtime: network, mount and process namespaces, a /run
 * and a /var/log of its own, a copy-on-write /var/lib, and one temporary folder. Containers and
 * mounts end with the process that holds the namespaces, and that one when its standard input does:
 * they are gone whatever happens to a test.
 */
import { assertEquals } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import type { AttachmentStatus } from "../../commands/admin/status/read_stores.ts";
import type { Status } from "../../commands/admin/status/read_status.ts";
import { HEADCNI, isFile } from "../cli/shipped.ts";
import { missingRoot } from "../fakes/test_unless.ts";
import { run, TestNetns } from "../netns/namespace.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** What every runtime here needs. */
const NEEDED = ["/usr/sbin/runc", "/usr/bin/busybox"];

/**
 * Runs inside the namespaces, before anything else. The shell stays, for the first process has to
 * reap what others leave behind.
 */
const SET_UP = `
  set -e
  mount -t tmpfs hct /run
  mount -t tmpfs hct /var/log
  mkdir /run/upper /run/work
  mount -t overlay -o lowerdir=/var/lib,upperdir=/run/upper,workdir=/run/work hct /var/lib
  ip link set lo up
  echo ready
  cat
  exit
`;

/** Names of programs in the image, all of them busybox. */
const PROGRAMS: readonly string[] = [
  ...["sleep", "ping", "ip", "httpd", "sh", "wget", "nslookup", "nc"],
];

/** What a machine is made of. */
export interface MachineParts {
  readonly folder: string;
  readonly netns: TestNetns;
  /** The process that holds the namespaces. */
  readonly pid: number;
  /** All that ends with the machine. */
  readonly owned: AsyncDisposableStack;
}

/** The machine; a runtime adds itself to it. */
export class Machine implements AsyncDisposable {
  /** Holds everything that is not in the namespaces. */
  readonly folder: string;
  /** In the place of the machine's network. */
  readonly netns: TestNetns;
  /** The process that holds the namespaces. */
  readonly pid: number;
  /** A command that runs what stands behind it inside the namespaces. */
  readonly enter: readonly string[];
  protected readonly owned: AsyncDisposableStack;

  protected constructor({ folder, netns, pid, owned }: MachineParts) {
    this.folder = folder;
    this.netns = netns;
    this.pid = pid;
    this.enter = ["nsenter", `--target=${pid}`, "--net", "--mount", "--pid"];
    this.owned = owned;
  }

  /** Directory of the leases. */
  get store(): string {
    return join(this.folder, "state");
  }

  /** Directory of the plugins. */
  get bin(): string {
    return join(this.folder, "bin");
  }

  /** Runs a command of this machine inside the namespaces. */
  run(...command: readonly string[]): Promise<string> {
    const [program = "", ...args] = [...this.enter, "env", ...this.environment(), ...command];
    return run(program, ...args);
  }

  /** What `headcni status` lists of the store. */
  async attachments(): Promise<readonly AttachmentStatus[]> {
    const text = await this.run(HEADCNI, "status", "--store", this.store, "--output", "json");
    const { stores: [store] }: Status = JSON.parse(text);
    return store?.attachments ?? [];
  }

  /** What leads host ports to containers: others' rules, and the elements of our maps. */
  async hostPorts(): Promise<string[]> {
    const ruleset = await this.netns.run("nft", "list", "ruleset");
    return ruleset.match(/.*dnat to.*|\w+ \. \d+ comment .*/gi) ?? [];
  }

  /** Names of the pods' network namespaces. */
  namespaces(): Promise<string> {
    return this.run("sh", "-c", "ls /run/netns 2>/dev/null || true");
  }

  /** Fails when anything is left of a container: lease, links, namespace, host port. */
  async expectNoContainer(): Promise<void> {
    assertEquals(await this.attachments(), []);
    for (const type of ["veth", "ifb"]) {
      assertEquals(await this.netns.run("ip", "link", "show", "type", type), "");
    }
    assertEquals(await this.namespaces(), "");
    assertEquals(await this.hostPorts(), []);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.owned[Symbol.asyncDispose]();
  }

  /** Variables of every command inside, as `NAME=value`. */
  protected environment(): string[] {
    return [];
  }
}

/**
 * Makes a machine without a runtime. Its folder has our plugin in `bin` and an empty `net.d`.
 * @param role ends the name of its namespace.
 */
export async function makeMachine(role: string): Promise<MachineParts> {
  if (!isFile(HEADCNI)) await run(Deno.execPath(), "task", "--cwd", ROOT, "build");
  await using owned = new AsyncDisposableStack();
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  owned.defer(() => Deno.remove(folder, { recursive: true }));
  const netns = owned.use(await TestNetns.make(role));
  owned.defer(() => removeCgroups(netns.name));
  const pid = await holdNamespaces(netns, owned);
  for (const name of ["bin", "net.d"]) await Deno.mkdir(join(folder, name));
  await Deno.symlink(HEADCNI, join(folder, "bin/headcni"));
  return { folder, netns, pid, owned: owned.move() };
}

/**
 * A file system of nothing but Debian's static busybox, as an archive; answers its path.
 * @param programs paths of more static programs.
 */
export async function archiveBusybox(
  folder: string,
  programs: readonly string[] = [],
): Promise<string> {
  const root = join(folder, "image");
  await Deno.mkdir(join(root, "bin"), { recursive: true });
  await Deno.copyFile("/usr/bin/busybox", join(root, "bin/busybox"));
  for (const program of PROGRAMS) await Deno.symlink("busybox", join(root, "bin", program));
  for (const path of programs) await run("cp", path, join(root, "bin"));
  await Deno.writeTextFile(join(root, "index.html"), "hello\n");
  const archive = join(folder, "image.tar");
  await run("tar", "-C", root, "-cf", archive, ".");
  return archive;
}

/** Why tests of a runtime must be skipped; empty when they can run. */
export function missingFor(runtime: readonly string[]): string {
  const missing = [...NEEDED, ...runtime].find((path) => !isFile(path));
  return missingRoot() || (missing ? `needs ${missing}` : "");
}

/** The first process that another one started. */
export async function firstChild(pid: number): Promise<number> {
  const children = await Deno.readTextFile(`/proc/${pid}/task/${pid}/children`);
  const [first] = children.trim().split(" ");
  return Number(first);
}

/**
 * The first line that a web server answers. By a shell, for a machine has no client for certain.
 * @param from where to ask.
 * @param place as `<address>/<port>`.
 */
export async function firstLine(from: Pick<TestNetns, "run">, place: string): Promise<string> {
  const ask = `exec 3<>/dev/tcp/${place}; printf 'GET / HTTP/1.0\\r\\n\\r\\n' >&3; head -n 1 <&3`;
  return (await from.run("timeout", "5", "bash", "-c", ask)).trim();
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
  if (!value) throw new Error("Cannot make namespaces for a runtime: unshare or mount failed");
  return await firstChild(child.pid);
}

/** Groups of processes are no part of the namespaces. */
export async function removeCgroups(cgroup: string): Promise<void> {
  const pattern = `*/${cgroup}*`;
  await run("find", "/sys/fs/cgroup", "-depth", "-type", "d", "-path", pattern, "-delete");
}
