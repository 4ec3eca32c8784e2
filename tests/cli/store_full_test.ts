/** A store on a file system that is filled to the brim, and then emptied. */
import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { readCounters } from "../../lib/store/counters.ts";
import { lockPath } from "../../lib/store/lock.ts";
import { spoolPath } from "../../lib/store/spool.ts";
import { openStore } from "../../lib/store/store.ts";
import { assertConsistent } from "../fakes/consistent_store.ts";
import { leasedContainers } from "../fakes/lease.ts";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { PrivateMounts } from "../netns/private_mounts.ts";
import { IpamNode } from "./ipam_node.ts";
import type { ProgramOutcome } from "./program.ts";
import { missingProgram } from "./shipped.ts";

const CONFIG = { cniVersion: "1.0.0", name: "pods", ipam: { subnet: "10.0.0.0/24", cooldown: 0 } };

/** A node whose store lies on a file system of 1 MiB that no other process sees. */
class SmallDisk implements AsyncDisposable {
  readonly #node: IpamNode;
  readonly #mounts: PrivateMounts;

  private constructor(node: IpamNode, mounts: PrivateMounts) {
    this.#node = node;
    this.#mounts = mounts;
  }

  static async make(): Promise<SmallDisk> {
    const node = await IpamNode.make();
    const { dataDirectory } = node;
    await Deno.mkdir(dataDirectory);
    const mounts = await PrivateMounts.make(
      `mount -t tmpfs -o size=1m,mode=700 hct ${dataDirectory}`,
    );
    node.enter = mounts.enter;
    return new SmallDisk(node, mounts);
  }

  /** Calls the plugin there. */
  call(verb: "ADD" | "DEL", containerId: string): Promise<ProgramOutcome> {
    return this.#node.call({ verb, containerId, config: CONFIG });
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

  /** Leaves the store in doubt, as one who is killed over it does. */
  doubt(): void {
    Deno.removeSync(lockPath(this.#node.runDirectory, this.#node.dataDirectory));
  }

  /** Lines of the spool. */
  spool(): string[] {
    const path = spoolPath(this.#node.runDirectory, this.#node.dataDirectory);
    return Deno.readTextFileSync(path).split("\n").filter((line) => line !== "");
  }

  /** Containers that have a lease, and the counters, of a store without fault. */
  async read(): Promise<{ leased: string[]; counters: Record<string, bigint> }> {
    await this.#run("rm -rf copy; cp -a data copy");
    const copy = `${this.#node.root}/copy`;
    await using store = await openStore({ directory: copy, runDirectory: copy });
    await assertConsistent(store);
    const counters = await store.read(readCounters);
    return {
      leased: await leasedContainers(store),
      counters: Object.fromEntries(counters.map(({ metric, value }) => [metric, value])),
    };
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#mounts[Symbol.asyncDispose]();
    await this.#node[Symbol.asyncDispose]();
  }

  #run(script: string): Promise<string> {
    return this.#mounts.run(`cd ${this.#node.root}; ${script}`);
  }
}

testUnless(
  missingRoot() || missingProgram(),
  "store: on a full disk ADD fails, DEL succeeds by ballast and spool, nothing is lost",
  async () => {
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
);

testUnless(
  missingRoot() || missingProgram(),
  "store: on a full disk nobody can tell whether a store in doubt is sound; DEL succeeds by the spool",
  async () => {
    await using disk = await SmallDisk.make();
    for (const id of ["c1", "c2", "c3"]) assertEquals((await disk.call("ADD", id)).code, 0);
    await disk.fill();
    // Gives the ballast up, and frees an address.
    assertEquals((await disk.call("DEL", "c1")).code, 0);
    await disk.fill();

    disk.doubt();
    const { code, stdout } = await disk.call("ADD", "c4");
    assertNotEquals(code, 0);
    assertEquals(JSON.parse(stdout).code, 103);
    assertEquals((await disk.call("DEL", "c2")).code, 0);
    assertStringIncludes(disk.spool().join("\n"), '"containerId":"c2"');

    await disk.empty();
    assertEquals((await disk.call("ADD", "c5")).code, 0);
    const { leased, counters } = await disk.read();
    assertEquals(leased, ["c3", "c5"]);
    assertEquals([counters.spooled, counters.rebuilt], [1n, undefined]);
  },
);

async function assertFull(call: Promise<ProgramOutcome>): Promise<void> {
  const { code, stdout } = await call;
  assertNotEquals(code, 0);
  const error = JSON.parse(stdout);
  assertEquals(error.code, 103);
  assertStringIncludes(error.details, "free space");
}
