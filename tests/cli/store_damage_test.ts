/**
 * A page of the store at a time is overwritten with noise; some make Deno KV end the whole runtime.
 * Every call works when it is made again, and no address gets a second owner.
 */
import { assert, assertEquals } from "@std/assert";
import { removeCachedResult, writeCachedResult } from "../fakes/cached_result.ts";
import { assertConsistent } from "../fakes/consistent_store.ts";
import { overwritePage, PAGE_BYTES } from "../fakes/damages.ts";
import { keyOf } from "../fakes/lease.ts";
import { ownFile } from "../fakes/own_file.ts";
import { seededRandom } from "../fakes/seeded_random.ts";
import { testUnless } from "../fakes/test_unless.ts";
import {
  addressesOf,
  answerOf,
  bare,
  configText,
  type IpamAnswer,
  IpamNode,
  type LeasedAddresses,
  leasedAddresses,
} from "./ipam_node.ts";
import { missingProgram } from "./shipped.ts";

const PODS = 60;
const CONFIG = { cniVersion: "1.0.0", name: "pods", ipam: { subnet: "10.0.0.0/24", cooldown: 0 } };

testUnless(missingProgram(), "headcni-ipam: a noisy page anywhere in the store", async () => {
  await using runtime = new Runtime(await IpamNode.make());
  for (let pod = 0; pod < PODS; pod++) await runtime.add(`pod${pod}`);
  const pages = Deno.statSync(runtime.file).size / PAGE_BYTES;
  const restore = runtime.keep();
  const { random } = seededRandom();
  for (let page = 0; page < pages; page++) {
    restore();
    overwritePage(runtime.file, page, random);
    await runtime.add("late");
    await runtime.delete("pod7");
    runtime.reboot();
    await runtime.add("later");
    assertEquals(await runtime.leased(), Object.fromEntries(runtime.live), `page ${page}`);
  }
  assert(pages > 12, `${pages} pages`);
  console.log(`${pages} pages, ${runtime.repeated} calls had to be made again`);
});

/** Calls the plugin as a runtime does, and knows the pods that it was told of. */
class Runtime implements AsyncDisposable {
  /** Addresses of the live pods. */
  readonly live = new Map<string, readonly string[]>();
  /** How many calls failed and were made again. */
  repeated = 0;
  readonly #node: IpamNode;

  constructor(node: IpamNode) {
    this.#node = node;
  }

  /** Adds a pod and keeps its result: `cacheAdd` in libcni/api.go. */
  async add(containerId: string): Promise<void> {
    await Deno.mkdir(this.#netnsDirectory, { recursive: true });
    await Deno.writeTextFile(this.#netnsOf(containerId), "");
    const answer = await this.#call("ADD", containerId);
    const addresses = addressesOf(answer).map(bare);
    const taken = [...this.live.values()].flat();
    assertEquals(addresses.filter((address) => taken.includes(address)), [], "has two owners");
    this.live.set(containerId, addresses);
    const call = { verb: "ADD", containerId, config: CONFIG } as const;
    await writeCachedResult(this.#node.resultsDirectory, keyOf(containerId), {
      config: configText(call, "headcni-ipam", this.#node.dataDirectory),
      netns: this.#netnsOf(containerId),
      result: { cniVersion: CONFIG.cniVersion, ...answer.result },
    });
  }

  /** Deletes a pod and forgets its result. */
  async delete(containerId: string): Promise<void> {
    await Deno.remove(this.#netnsOf(containerId));
    await this.#call("DEL", containerId);
    this.live.delete(containerId);
    await removeCachedResult(this.#node.resultsDirectory, keyOf(containerId));
  }

  /** Answers what makes all be again as it is now. */
  keep(): () => void {
    const { dataDirectory, resultsDirectory, runDirectory } = this.#node;
    const live = new Map(this.live);
    const results = Array.from(
      Deno.readDirSync(resultsDirectory),
      ({ name }) => `${resultsDirectory}/${name}`,
    );
    const files = [this.file, ...results].map((path) => [path, Deno.readFileSync(path)] as const);
    return () => {
      for (const folder of [dataDirectory, resultsDirectory]) {
        Deno.removeSync(folder, { recursive: true });
        Deno.mkdirSync(folder, { mode: 0o700 });
      }
      for (const [path, bytes] of files) Deno.writeFileSync(path, bytes);
      ownFile(runDirectory, dataDirectory);
      this.live.clear();
      for (const [id, addresses] of live) {
        this.live.set(id, addresses);
        Deno.writeTextFileSync(this.#netnsOf(id), "");
      }
    };
  }

  /** The store. */
  get file(): string {
    return `${this.#node.dataDirectory}/state.kv`;
  }

  /** As a reboot does: who comes next examines the store. */
  reboot(): void {
    Deno.removeSync(this.#node.runDirectory, { recursive: true });
  }

  /** Who has what by the store, which has no fault. */
  async leased(): Promise<LeasedAddresses> {
    await using store = await this.#node.openStore();
    await assertConsistent(store);
    return await leasedAddresses(store);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#node[Symbol.asyncDispose]();
  }

  get #netnsDirectory(): string {
    return `${this.#node.root}/netns`;
  }

  #netnsOf(containerId: string): string {
    return `${this.#netnsDirectory}/${containerId}`;
  }

  /** A call that fails is made again, as a kubelet does. */
  async #call(verb: "ADD" | "DEL", containerId: string): Promise<IpamAnswer> {
    const call = { verb, containerId, netns: this.#netnsOf(containerId), config: CONFIG };
    const outcome = await this.#node.call(call);
    if (outcome.code === 0) return answerOf(outcome);
    this.repeated += 1;
    const again = await this.#node.call(call);
    assertEquals(again.code, 0, `${outcome.stderr}\n${again.stdout}\n${again.stderr}`);
    return answerOf(again);
  }
}
