/** The life of a lease as the program shows it: its rest, and what a reboot leaves of it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { listLeases } from "../../lib/store/leases.ts";
import { openStore } from "../../lib/store/store.ts";
import { assertConsistent } from "../fakes/consistent_store.ts";
import { PrivateBoot } from "../netns/private_boot.ts";
import { PrivateMounts } from "../netns/private_mounts.ts";
import { type ProgramOutcome, runProgram } from "./program.ts";

/** Five addresses, 10.244.0.2 to 10.244.0.6. */
const SMALL = { subnet: "10.244.0.0/29" };
/** Of these the lowest free one is given. */
const DENSE = { ...SMALL, allocation_strategy: "dense" };

/** Why tests that mount are skipped, as a part of their names; empty when they run. */
const SKIPPED_BECAUSE = Deno.uid() === 0 ? "" : " (skipped: needs root)";

Deno.test("headcni-ipam: a released address rests, unless nothing else is free", async () => {
  await using node = await LifeNode.make({ ...DENSE, cooldown: "1h" });
  for (const id of ["c2", "c3"]) await node.add(id);
  await node.del("c3");
  await node.del("c2");
  assertEquals([await node.add("c4"), await node.add("c5"), await node.add("c6")], [
    "10.244.0.4",
    "10.244.0.5",
    "10.244.0.6",
  ]);
  // The longest rested first.
  assertEquals([await node.add("c7"), await node.add("c8")], ["10.244.0.3", "10.244.0.2"]);
  await node.fail("ADD", "c9", 101);
  await node.checkStore(["c4", "c5", "c6", "c7", "c8"]);
});

Deno.test("headcni-ipam: without a cool-down an address is given again at once", async () => {
  await using node = await LifeNode.make({ ...DENSE, cooldown: 0 });
  for (const id of ["c1", "c2", "c3"]) {
    assertEquals(await node.add(id), "10.244.0.2");
    await node.del(id);
  }
  await node.checkStore([]);
});

Deno.test("headcni-ipam: the next pod of a StatefulSet's name gets its address", async () => {
  await using node = await LifeNode.make({ ...DENSE, cooldown: 0, sticky: true });
  const db = "K8S_POD_NAMESPACE=default;K8S_POD_NAME=db-0";
  assertEquals(await node.add("c1", { CNI_ARGS: db }), "10.244.0.2");
  await node.del("c1");
  assertEquals(await node.add("c2"), "10.244.0.3");
  assertEquals(await node.add("c3", { CNI_ARGS: db }), "10.244.0.2");
  await node.checkStore(["c2", "c3"]);
});

Deno.test({
  name: "headcni-ipam: after a reboot no dead pod holds an address" + SKIPPED_BECAUSE,
  ignore: SKIPPED_BECAUSE !== "",
  async fn() {
    await using node = await LifeNode.make(SMALL);
    await using boot = await PrivateBoot.make(node.root);
    node.enter = boot.enter;
    for (const id of ["c1", "c2", "c3", "c4", "c5"]) await node.add(id);
    await node.fail("ADD", "c6", 101);
    await boot.reboot();
    // Something is where the namespace of c5 was.
    for (const id of ["c1", "c2", "c3", "c4"]) await node.removeNetns(id);
    // CHECK changes nothing; STATUS makes way for the ADDs that come only when it says yes.
    assertEquals((await node.call("CHECK", "c1")).code, 0);
    assertEquals((await node.call("STATUS", "")).code, 0);
    await node.checkStore(["c5"]);
    // Nobody sent a DEL, and the container has the id that it had.
    await node.add("c1");
    await node.fail("ADD", "c1", 104);
    assertEquals((await node.call("CHECK", "c5")).code, 0);
    await node.del("c5");
    await node.checkStore(["c1"]);
  },
});

Deno.test({
  name: "headcni-ipam: 20 ADD at once after a reboot" + SKIPPED_BECAUSE,
  ignore: SKIPPED_BECAUSE !== "",
  async fn() {
    await using node = await LifeNode.make({ subnet: "10.244.0.0/27" });
    await using boot = await PrivateBoot.make(node.root);
    node.enter = boot.enter;
    const ids = Array.from({ length: 20 }, (_, i) => `c${i}`);
    for (const id of ids) await node.add(id);
    for (const id of ids) await node.removeNetns(id);
    await boot.reboot();
    const given = await Promise.all(ids.map((id) => node.add(id)));
    assertEquals(new Set(given).size, ids.length);
    await node.checkStore(ids);
  },
});

Deno.test({
  name: "headcni-ipam: DEL succeeds on a disk that cannot be written" + SKIPPED_BECAUSE,
  ignore: SKIPPED_BECAUSE !== "",
  async fn() {
    await using node = await LifeNode.make(SMALL);
    const data = `${node.root}/data`;
    await Deno.mkdir(data);
    await using disk = await PrivateMounts.make(`mount -t tmpfs hct ${data}`);
    node.enter = disk.enter;
    await node.add("c1");
    await node.add("c2");
    await disk.run(`mount -o remount,ro ${data}`);
    await node.del("c1");
    assertStringIncludes(await node.fail("ADD", "c3", 103), data);
    await disk.run(`mount -o remount,rw ${data}`);
    // The first who can write does what DEL could not.
    await node.add("c4");
    await node.fail("CHECK", "c1", 109);
    assertEquals((await node.call("CHECK", "c2")).code, 0);
  },
});

/** A store, and namespaces of containers that are files: IPAM opens none. */
class LifeNode implements AsyncDisposable {
  readonly root: string;
  readonly #ipam: Readonly<Record<string, unknown>>;
  /** Put before the program. */
  enter: readonly string[] = [];

  private constructor(root: string, ipam: Readonly<Record<string, unknown>>) {
    this.root = root;
    this.#ipam = ipam;
  }

  static async make(ipam: Readonly<Record<string, unknown>>): Promise<LifeNode> {
    const root = await Deno.makeTempDir({ prefix: "hct" });
    await Deno.mkdir(`${root}/netns`);
    return new LifeNode(root, ipam);
  }

  /** Makes the namespace of a container and gives it an address, which it answers. */
  async add(id: string, env: Readonly<Record<string, string>> = {}): Promise<string> {
    await Deno.writeTextFile(this.#netns(id), "");
    const { code, stdout, stderr } = await this.call("ADD", id, env);
    assertEquals([code, stderr], [0, ""], stdout);
    return JSON.parse(stdout).ips[0].address.split("/")[0];
  }

  async del(id: string): Promise<void> {
    const { code, stdout } = await this.call("DEL", id);
    assertEquals([code, stdout], [0, ""]);
  }

  /** A call that must fail with a code of `lib/cni/codes.ts`; answers the error's text. */
  async fail(verb: string, id: string, wanted: number): Promise<string> {
    const { stdout } = await this.call(verb, id);
    const { code, msg } = JSON.parse(stdout || "{}");
    assertEquals(code, wanted, `${verb} ${id}: ${msg}`);
    return msg;
  }

  removeNetns(id: string): Promise<void> {
    return Deno.remove(this.#netns(id));
  }

  call(
    verb: string,
    id: string,
    env: Readonly<Record<string, string>> = {},
  ): Promise<ProgramOutcome> {
    const config = { cniVersion: "1.1.0", name: "pods", type: "headcni" };
    return runProgram({
      enter: this.enter,
      args: ["ipam"],
      env: {
        HEADCNI_DATA_DIR: `${this.root}/data`,
        HEADCNI_RUN_DIR: `${this.root}/run`,
        HEADCNI_RESULTS_DIR: `${this.root}/results`,
        HEADCNI_LOG_FILE: `${this.root}/plugin.log`,
        CNI_COMMAND: verb,
        CNI_CONTAINERID: id,
        CNI_NETNS: this.#netns(id),
        CNI_IFNAME: "eth0",
        CNI_PATH: "/opt/cni/bin",
        ...env,
      },
      stdin: JSON.stringify({ ...config, ipam: { type: "headcni-ipam", ...this.#ipam } }),
    });
  }

  /** Fails unless the store is sound and these containers have leases. */
  async checkStore(ids: readonly string[]): Promise<void> {
    const options = { directory: `${this.root}/data`, runDirectory: `${this.root}/run` };
    await using store = await openStore(options);
    const leases = await store.read((reader) => listLeases(reader));
    assertEquals(leases.map(({ key }) => key.containerId), [...ids].sort());
    await assertConsistent(store);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.root, { recursive: true });
  }

  #netns(id: string): string {
    return `${this.root}/netns/${id}`;
  }
}
