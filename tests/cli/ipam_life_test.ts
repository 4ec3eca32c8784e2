/** The life of a lease as the program shows it: its rest, and what a reboot leaves of it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertConsistent } from "../fakes/consistent_store.ts";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { PrivateBoot } from "../netns/private_boot.ts";
import { PrivateMounts } from "../netns/private_mounts.ts";
import {
  addressesOf,
  answerOf,
  bare,
  type IpamCall,
  IpamNode,
  leasedAddresses,
} from "./ipam_node.ts";
import type { ProgramOutcome } from "./program.ts";
import { missingProgram } from "./shipped.ts";

/** Five addresses, 10.244.0.2 to 10.244.0.6. */
const SMALL = { subnet: "10.244.0.0/29" };
/** Of these the lowest free one is given. */
const DENSE = { ...SMALL, allocation_strategy: "dense" };

/** Why tests that mount must be skipped. */
const missingMounts = missingRoot() || missingProgram();

testUnless(
  missingProgram(),
  "headcni-ipam: a released address rests, unless nothing else is free",
  async () => {
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
  },
);

testUnless(
  missingProgram(),
  "headcni-ipam: without a cool-down an address is given again at once",
  async () => {
    await using node = await LifeNode.make({ ...DENSE, cooldown: 0 });
    for (const id of ["c1", "c2", "c3"]) {
      assertEquals(await node.add(id), "10.244.0.2");
      await node.del(id);
    }
    await node.checkStore([]);
  },
);

testUnless(
  missingProgram(),
  "headcni-ipam: the next pod of a StatefulSet's name gets its address",
  async () => {
    await using node = await LifeNode.make({ ...DENSE, cooldown: 0, sticky: true });
    const db = "K8S_POD_NAMESPACE=default;K8S_POD_NAME=db-0";
    assertEquals(await node.add("c1", db), "10.244.0.2");
    await node.del("c1");
    assertEquals(await node.add("c2"), "10.244.0.3");
    assertEquals(await node.add("c3", db), "10.244.0.2");
    await node.checkStore(["c2", "c3"]);
  },
);

testUnless(missingMounts, "headcni-ipam: after a reboot no dead pod holds an address", async () => {
  await using node = await LifeNode.make(SMALL);
  await using boot = await PrivateBoot.make(node.ipam.root);
  node.ipam.enter = boot.enter;
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
});

testUnless(missingMounts, "headcni-ipam: 20 ADD at once after a reboot", async () => {
  await using node = await LifeNode.make({ subnet: "10.244.0.0/27" });
  await using boot = await PrivateBoot.make(node.ipam.root);
  node.ipam.enter = boot.enter;
  const ids = Array.from({ length: 20 }, (_, i) => `c${i}`);
  for (const id of ids) await node.add(id);
  for (const id of ids) await node.removeNetns(id);
  await boot.reboot();
  const given = await Promise.all(ids.map((id) => node.add(id)));
  assertEquals(new Set(given).size, ids.length);
  await node.checkStore(ids);
});

testUnless(
  missingMounts,
  "headcni-ipam: on a disk that cannot be written DEL succeeds, and STATUS says that ADD will not",
  async () => {
    await using node = await LifeNode.make(SMALL);
    const data = node.ipam.dataDirectory;
    await Deno.mkdir(data);
    await using disk = await PrivateMounts.make(`mount -t tmpfs hct ${data}`);
    node.ipam.enter = disk.enter;
    await node.add("c1");
    await node.add("c2");
    await disk.run(`mount -o remount,ro ${data}`);
    await node.del("c1");
    assertStringIncludes(await node.fail("ADD", "c3", 103), data);
    await node.fail("STATUS", "", 50);
    await disk.run(`mount -o remount,rw ${data}`);
    // The first who can write does what DEL could not.
    await node.add("c4");
    await node.fail("CHECK", "c1", 109);
    assertEquals((await node.call("CHECK", "c2")).code, 0);
  },
);

/** A node whose containers have namespaces, which are files: IPAM opens none. */
class LifeNode implements AsyncDisposable {
  readonly ipam: IpamNode;
  readonly #section: Readonly<Record<string, unknown>>;

  private constructor(ipam: IpamNode, section: Readonly<Record<string, unknown>>) {
    this.ipam = ipam;
    this.#section = section;
  }

  /** @param section keys of the `ipam` section of all calls. */
  static async make(section: Readonly<Record<string, unknown>>): Promise<LifeNode> {
    const ipam = await IpamNode.make();
    await Deno.mkdir(`${ipam.root}/netns`);
    return new LifeNode(ipam, section);
  }

  /** Makes the namespace of a container and gives it an address, which it answers. */
  async add(id: string, args?: string): Promise<string> {
    await Deno.writeTextFile(this.#netns(id), "");
    const outcome = await this.call("ADD", id, args);
    assertEquals([outcome.code, outcome.stderr], [0, ""], outcome.stdout);
    const [address = ""] = addressesOf(answerOf(outcome));
    return bare(address);
  }

  async del(id: string): Promise<void> {
    const { code, stdout } = await this.call("DEL", id);
    assertEquals([code, stdout], [0, ""]);
  }

  /** A call that must fail with a code of `lib/cni/codes.ts`; answers the error's text. */
  async fail(verb: IpamCall["verb"], id: string, wanted: number): Promise<string> {
    const { stdout } = await this.call(verb, id);
    const { code, msg } = JSON.parse(stdout || "{}");
    assertEquals(code, wanted, `${verb} ${id}: ${msg}`);
    return msg;
  }

  removeNetns(id: string): Promise<void> {
    return Deno.remove(this.#netns(id));
  }

  /** @param args `CNI_ARGS`. */
  call(verb: IpamCall["verb"], containerId: string, args?: string): Promise<ProgramOutcome> {
    const config = { cniVersion: "1.1.0", name: "pods", ipam: this.#section };
    return this.ipam.call({ verb, containerId, netns: this.#netns(containerId), config, args });
  }

  /** Fails unless the store is sound and these containers have leases. */
  async checkStore(ids: readonly string[]): Promise<void> {
    await using store = await this.ipam.openStore();
    assertEquals(Object.keys(await leasedAddresses(store)), [...ids].sort());
    await assertConsistent(store);
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.ipam[Symbol.asyncDispose]();
  }

  #netns(id: string): string {
    return `${this.ipam.root}/netns/${id}`;
  }
}
