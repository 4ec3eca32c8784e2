/** A store on a file system that is filled to the brim, and then emptied. */
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { readCounters } from "../../lib/store/counters.ts";
import { listLeases } from "../../lib/store/leases.ts";
import { spoolPath } from "../../lib/store/spool.ts";
import { openStore } from "../../lib/store/store.ts";
import { assertConsistent } from "../fakes/consistent_store.ts";
import { PrivateMounts } from "../netns/private_mounts.ts";
import { type ProgramOutcome, runProgram } from "./program.ts";

const isRoot = Deno.uid() === 0;

/** A node whose store lies on a file system of 1 MiB that no other process sees. */
class SmallDisk implements AsyncDisposable {
  readonly root: string;
  readonly #mounts: PrivateMounts;

  private constructor(root: string, mounts: PrivateMounts) {
    this.root = root;
    this.#mounts = mounts;
  }

  static async make(): Promise<SmallDisk> {
    const root = await Deno.makeTempDir({ prefix: "hct" });
    const data = `${root}/data`;
    Deno.mkdirSync(data);
    const mounts = await PrivateMounts.make(`mount -t tmpfs -o size=1m,mode=700 hct ${data}`);
    return new SmallDisk(root, mounts);
  }

  /** Calls `headcni ipam` there. */
  call(verb: "ADD" | "DEL", containerId: string): Promise<ProgramOutcome> {
    const dataDir = `${this.root}/data`;
    return runProgram({
      enter: this.#mounts.enter,
      args: ["ipam"],
      env: {
        CNI_COMMAND: verb,
        CNI_CONTAINERID: containerId,
        CNI_NETNS: "/run/netns/hct-absent",
        CNI_IFNAME: "eth0",
        CNI_PATH: "/opt/cni/bin",
        HEADCNI_RUN_DIR: `${this.root}/run`,
        HEADCNI_RESULTS_DIR: `${this.root}/results`,
        HEADCNI_LOG_FILE: `${this.root}/log`,
      },
      stdin: JSON.stringify({
        cniVersion: "1.0.0",
        name: "pods",
        type: "bridge",
        ipam: { type: "headcni-ipam", subnet: "10.0.0.0/24", cooldown: 0, dataDir },
      }),
    });
  }

  /** Takes all space that is left. */
  async fill(): Promise<void> {
    await this.#run("head -c 2M /dev/zero >> data/rest 2> /dev/null || true");
  }

  /** Gives the space back. */
  async empty(): Promise<void> {
    await this.#run("rm data/rest");
  }

  /** Whether the ballast is there. */
  async hasBallast(): Promise<boolean> {
    return (await this.#run("ls data")).split("\n").includes("ballast");
  }

  /** Lines of the spool. */
  spool(): string[] {
    const path = spoolPath(`${this.root}/run`, `${this.root}/data`);
    return Deno.readTextFileSync(path).split("\n").filter((line) => line !== "");
  }

  /** Containers that have a lease, and the counters, of a store without fault. */
  async read(): Promise<{ leased: string[]; counters: Record<string, bigint> }> {
    await this.#run("rm -rf copy; cp -a data copy");
    await using store = await openStore({
      directory: `${this.root}/copy`,
      runDirectory: `${this.root}/copy`,
    });
    await assertConsistent(store);
    const leases = await store.read((reader) => listLeases(reader));
    const counters = await store.read(readCounters);
    return {
      leased: leases.map(({ key }) => key.containerId).sort(),
      counters: Object.fromEntries(counters.map(({ metric, value }) => [metric, value])),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mounts[Symbol.asyncDispose]();
    await Deno.remove(this.root, { recursive: true });
  }

  #run(script: string): Promise<string> {
    return this.#mounts.run(`cd ${this.root}; ${script}`);
  }
}

Deno.test({
  name: "store: on a full disk ADD fails, DEL succeeds by ballast and spool, nothing is lost" +
    (isRoot ? "" : " (skipped: needs root to mount a small file system)"),
  ignore: !isRoot,
  async fn() {
    await using disk = await SmallDisk.make();
    for (const id of ["c1", "c2", "c3"]) assertEquals((await disk.call("ADD", id)).code, 0);
    await disk.fill();

    await assertFull(disk.call("ADD", "c4"));
    assertEquals(await disk.hasBallast(), true);
    assertEquals((await disk.call("DEL", "c1")).code, 0);
    assertEquals(await disk.hasBallast(), false);
    assertEquals((await disk.read()).leased, ["c2", "c3"]);

    await disk.fill();
    assertEquals((await disk.call("DEL", "c2")).code, 0);
    assertEquals((await disk.read()).leased, ["c2", "c3"]);
    assertStringIncludes(disk.spool().join("\n"), '"containerId":"c2"');
    await assertFull(disk.call("ADD", "c5"));

    await disk.empty();
    assertEquals((await disk.call("ADD", "c6")).code, 0);
    assertEquals([await disk.hasBallast(), disk.spool()], [true, []]);
    const { leased, counters } = await disk.read();
    assertEquals(leased, ["c3", "c6"]);
    const { allocations, releases, ballast, spooled, errors } = counters;
    assertEquals([allocations, releases, ballast, spooled, errors], [4n, 2n, 1n, 1n, 2n]);
  },
});

async function assertFull(call: Promise<ProgramOutcome>): Promise<void> {
  const { code, stdout } = await call;
  assertNotEquals(code, 0);
  const error = JSON.parse(stdout);
  assertEquals(error.code, 103);
  assertStringIncludes(error.details, "free space");
}
