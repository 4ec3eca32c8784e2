/**
 * A real systemd as the first process of namespaces of a test's own, in the network of a node: what it
 * makes of our units is what it makes of them there. It knows no units but those of the test, /run and
 * /etc are copies, and all ends with its process.
 */
import { join } from "@std/path";
import { isFile } from "../cli/shipped.ts";
import { missingRoot } from "../fakes/test_unless.ts";
import type { DaemonPlace } from "../netns/daemon.ts";
import { run } from "../netns/namespace.ts";
import type { TestNode } from "../netns/plugin.ts";
import { firstChild, removeCgroups } from "./machine.ts";
import { TestProcess } from "./tailnet/process.ts";
import { until } from "./tailnet/until.ts";

const SYSTEMD = "/lib/systemd/systemd";

/** Targets that every unit refers to by default: systemd.service(5), "Default Dependencies". */
const TARGETS: readonly string[] = ["basic", "sysinit", "shutdown", "network-pre", "multi-user"];

/** Moves itself into a group of its own; `$0` is the folder, `$1` the group, `$2` systemd. */
const OUTSIDE = `
  set -e
  mount -t cgroup2 hct "$0/mounted"
  mkdir "$0/mounted/$1"
  echo $$ >"$0/mounted/$1/cgroup.procs"
  exec unshare --mount --propagation slave --pid --fork --kill-child --cgroup --uts --ipc \\
    --mount-proc sh -c "$3" "$0" "$2"
`;

/** Runs inside all namespaces; `$0` is the folder, `$1` systemd. */
const INSIDE = `
  set -e
  # Between them, for nothing is mounted on itself.
  mount -t tmpfs hct /sys/fs/cgroup
  mount -t cgroup2 hct /sys/fs/cgroup
  mount -t tmpfs hct "$0/mounted"
  cd "$0/mounted"
  mkdir upper work run run/netns run/systemd run/systemd/system
  mount -t overlay -o lowerdir=/etc,upperdir=upper,workdir=work hct /etc
  mkdir -p /etc/systemd/system
  mount --bind "$0/units" /etc/systemd/system
  mount --rbind /run/netns run/netns
  mount --rbind run /run
  cd /
  # These are the whole machine's.
  mount --bind /proc/sys/fs /proc/sys/fs
  mount -o remount,bind,ro /proc/sys/fs
  exec "$1" --system --unit=multi-user.target
`;

/** Why tests of it must be skipped; empty when it can run. */
export function missingSystemd(): string {
  return missingRoot() || (isFile(SYSTEMD) ? "" : `needs ${SYSTEMD}`);
}

/** One that has started. */
export class RealSystemd implements AsyncDisposable {
  /** A command that runs what stands behind it inside. */
  readonly enter: readonly string[];
  readonly folder: string;
  readonly #group: string;
  readonly #outside: TestProcess;
  readonly #pid: number;

  private constructor(folder: string, group: string, outside: TestProcess, pid: number) {
    this.folder = folder;
    this.#group = group;
    this.#outside = outside;
    this.#pid = pid;
    this.enter = [
      "nsenter",
      `--target=${pid}`,
      ...["--net", "--mount", "--pid", "--cgroup", "--uts", "--ipc"],
    ];
  }

  /** Starts one in the network of a node, and waits until it has. */
  static async start({ root, host }: TestNode): Promise<RealSystemd> {
    const folder = join(root, "systemd");
    for (const name of ["", "mounted", "units", "units/service.d"]) {
      await Deno.mkdir(join(folder, name));
    }
    for (const name of TARGETS) {
      await Deno.writeTextFile(join(folder, `units/${name}.target`), "[Unit]\n");
    }
    // Of every service: there is no journal.
    await Deno.writeTextFile(
      join(folder, "units/service.d/output.conf"),
      `[Service]\nStandardOutput=append:${folder}/services.log\n`,
    );
    const outside = TestProcess.start({
      command: [
        ...["nsenter", `--net=${host.path}`, "unshare", "--mount", "--propagation", "slave"],
        ...["sh", "-c", OUTSIDE, folder, host.name, SYSTEMD, INSIDE],
      ],
      // It leaves what only a whole machine needs: systemd(1), "Environment".
      env: {
        container: "hct",
        SYSTEMD_UNIT_PATH: "/etc/systemd/system",
        SYSTEMD_LOG_TARGET: "console",
      },
      logFile: join(folder, "systemd.log"),
    });
    const pid = await until("its process", () => findSystemd(outside.pid));
    const systemd = new RealSystemd(folder, host.name, outside, pid);
    try {
      await until("systemd run", () => systemd.systemctl("is-system-running"));
      return systemd;
    } catch (error) {
      await systemd[Symbol.asyncDispose]();
      throw error;
    }
  }

  systemctl(...args: readonly string[]): Promise<string> {
    return this.run("systemctl", ...args);
  }

  run(...command: readonly string[]): Promise<string> {
    const [program = "", ...args] = [...this.enter, ...command];
    return run(program, ...args);
  }

  /** A property of a unit, such as `MainPID`. */
  async property(unit: string, name: string): Promise<string> {
    return (await this.systemctl("show", "--property", name, "--value", unit)).trim();
  }

  /** Where an administrator's units are, seen from outside. */
  get units(): string {
    return join(this.folder, "units");
  }

  /** A daemon that runs inside, by hand. */
  placeOf({ root, dataDirectory, resultsDirectory, plugin }: TestNode): DaemonPlace {
    return {
      ...{ root, dataDirectory, resultsDirectory, plugin },
      enter: this.enter,
      processOf: firstChild,
    };
  }

  /** What its services wrote, and itself. */
  async log(): Promise<string> {
    const names = ["systemd.log", "services.log"];
    const texts = await Promise.all(
      names.map((name) => Deno.readTextFile(join(this.folder, name)).catch(() => "")),
    );
    return texts.join("\n");
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      // All that it started is gone before the one that waits for it ends.
      Deno.kill(this.#pid, "SIGKILL");
    } catch {
      // It has ended.
    }
    await this.#outside.end("SIGTERM");
    await removeCgroups(this.#group);
  }
}

/** The process that has become systemd by now; undefined while there is none. */
async function findSystemd(outside: number): Promise<number | undefined> {
  const pid = await firstChild(outside);
  const name = await Deno.readTextFile(`/proc/${pid}/comm`);
  return name.trim() === "systemd" ? pid : undefined;
}
