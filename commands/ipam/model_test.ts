/** Random calls of the verbs against {@linkcode AddressModel}: on a store, through boots. */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { AddressModel, type ModelSetting } from "../../tests/fakes/address_model.ts";
import { assertConsistent } from "../../tests/fakes/consistent_store.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import { pick, type SeededRandom, seededRandom } from "../../tests/fakes/seeded_random.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import { type AttachmentKey, formatAttachment } from "../../lib/attachment.ts";
import type { Request, Verb } from "../../lib/cni/request.ts";
import { HeadcniError } from "../../lib/errors.ts";
import { formatAddress } from "../../lib/net/address.ts";
import type { Prefix } from "../../lib/net/prefix.ts";
import { listLeases } from "../../lib/store/leases.ts";
import { add } from "./add.ts";
import { check } from "./check.ts";
import { del } from "./del.ts";
import { gc } from "./gc.ts";

const RUNS = 8;
const CALLS = 150;
const KEYS: readonly AttachmentKey[] = ["pod0", "pod1", "pod2", "pod3", "pod4"].flatMap((pod) =>
  ["eth0", "eth1"].map((ifname) => ({ network: "pods", containerId: pod, ifname }))
);

const list = (start: string, first: number, last = first) =>
  Array.from({ length: last - first + 1 }, (_, at) => `${start}${first + at}`);

const SETTINGS: readonly ModelSetting[] = ["sequential", "random", "dense"].flatMap((strategy) => [
  {
    ipam: { subnet: "10.1.0.0/29", allocation_strategy: strategy, cooldown: "60s" },
    sets: [{ given: list("10.1.0.", 2, 6), refused: ["10.1.0.1"] }],
    restMs: 60_000,
  },
  {
    ipam: {
      ranges: [[{ subnet: "10.1.0.0/29", rangeEnd: "10.1.0.4" }, { subnet: "10.1.0.16/29" }]],
      exclude: ["10.1.0.18-10.1.0.19"],
      reserved: ["10.1.0.22"],
      allocation_strategy: strategy,
      cooldown: 0,
    },
    sets: [{
      given: [...list("10.1.0.", 2, 4), ...list("10.1.0.", 20, 21)],
      reserved: ["10.1.0.22"],
      refused: ["10.1.0.1", ...list("10.1.0.", 17, 19)],
    }],
    restMs: 0,
  },
  {
    ipam: {
      ranges: [[{ subnet: "fd00::/125" }], [{ subnet: "10.1.0.0/29", rangeStart: "10.1.0.4" }]],
      reserved: ["fd00::7"],
      allocation_strategy: strategy,
      cooldown: "30s",
    },
    sets: [
      { given: list("fd00::", 2, 6), reserved: ["fd00::7"], refused: ["fd00::1"] },
      { given: list("10.1.0.", 4, 6), refused: [] },
    ],
    restMs: 30_000,
  },
]);

Deno.test("ipam: random calls agree with a model", async () => {
  const { random } = seededRandom();
  for (let run = 0; run < RUNS; run++) {
    await using node = await TracedNode.make();
    node.nowMs = () => random(2 ** 31); // a clock that nobody can trust
    node.random = () => random(2 ** 31) / 2 ** 31;
    const play = new Play(node, random);
    for (let call = 0; call < CALLS; call++) await play.step();
    await play.end();
  }
});

/** Calls on a node, each of them made of the model, too. */
class Play {
  readonly #node: TracedNode;
  readonly #model: AddressModel;
  readonly #random: SeededRandom["random"];
  #setting: ModelSetting;

  constructor(node: TracedNode, random: SeededRandom["random"]) {
    this.#node = node;
    this.#model = new AddressModel(node);
    this.#random = random;
    this.#setting = pick(random, SETTINGS);
  }

  async step(): Promise<void> {
    const key = pick(this.#random, KEYS);
    const dice = this.#random(100);
    if (dice < 45) await this.#add(key);
    else if (dice < 75) await this.#del(key);
    else if (dice < 83) await this.#check(key);
    else if (dice < 88) await this.#gc();
    else if (dice < 94) this.#node.uptimeMs += this.#random(90_000);
    else if (dice < 96) this.#reboot();
    else this.#setting = pick(this.#random, SETTINGS);
  }

  /** The store holds what the model holds, and no fault. */
  async end(): Promise<void> {
    await using store = await this.#node.openStore();
    await assertConsistent(store);
    const stored = (await store.read((reader) => listLeases(reader)))
      .map(({ key, addresses }) => [formatAttachment(key), addresses.map(textOf)]);
    const held = this.#model.leases.map(({ key, addresses }) => [formatAttachment(key), addresses]);
    assertEquals(Object.fromEntries(stored), Object.fromEntries(held));
  }

  async #add(key: AttachmentKey): Promise<void> {
    const { sets, restMs } = this.#setting;
    const { bootId, context } = this.#node;
    const netns = this.#node.addNetns(`${key.containerId}-${bootId}`);
    this.#model.netnses.add(netns);
    const all = sets.flatMap(({ given, reserved = [], refused }) => [given, reserved, refused]);
    const asked = this.#random(6) === 0 ? pick(this.#random, all.flat()) : undefined;
    const args = new Map(asked ? [["IP", asked]] : []);
    const adding = () => add(this.#request("ADD", { ...key, netns, args }), context);
    const expected = this.#model.expectAdd(key, this.#setting, asked);
    if (typeof expected === "string") return await assertFault(adding, expected);
    const addresses = (await adding()).ips.map(textOf);
    assertEquals(addresses.length, expected.length);
    for (const [at, address] of addresses.entries()) {
      assert(expected[at]?.includes(address), `${address} is given, not one of ${expected[at]}`);
    }
    this.#model.add({ key, addresses, netns, bootId, restMs });
  }

  async #del(key: AttachmentKey): Promise<void> {
    for (const lease of this.#model.leases) {
      if (formatAttachment(lease.key) === formatAttachment(key)) this.#lose(lease.netns);
    }
    await del(this.#request("DEL", key), this.#node.context);
    this.#model.release(key);
  }

  async #check(key: AttachmentKey): Promise<void> {
    const checking = () => check(this.#request("CHECK", key), this.#node.context);
    if (this.#model.has(key)) await checking();
    else await assertFault(checking, "check-failure");
  }

  /** With a list all others go; without one, those of another boot whose namespace is gone. */
  async #gc(): Promise<void> {
    const kept = KEYS.filter(() => this.#random(2) === 0);
    const valid = kept.map(({ containerId, ifname }) => ({ containerID: containerId, ifname }));
    const hasList = this.#random(2) === 0;
    const keys = hasList ? { "cni.dev/valid-attachments": valid } : {};
    await gc(this.#request("GC", {}, keys), this.#node.context);
    if (!hasList) return this.#model.forgetDead();
    for (const key of KEYS) if (!kept.includes(key)) this.#model.release(key);
  }

  /** Some namespaces seem to be there again: paths like /proc/1/ns/net name another process then. */
  #reboot(): void {
    this.#node.bootId += "'";
    this.#node.uptimeMs = this.#random(30_000);
    this.#model.reboot();
    for (const netns of this.#model.netnses) if (this.#random(4) !== 0) this.#lose(netns);
  }

  /** Takes a namespace away from all attachments of its pod. */
  #lose(netns: string): void {
    if (this.#model.netnses.delete(netns)) Deno.removeSync(netns);
  }

  #request(verb: Verb, call: Partial<Request>, keys: Readonly<Record<string, unknown>> = {}) {
    return makeRequest(verb, { ipam: this.#setting.ipam, ...keys }, call);
  }
}

function textOf({ address }: { readonly address: Prefix }): string {
  return formatAddress(address.address);
}

async function assertFault(call: () => Promise<unknown>, reason: string): Promise<void> {
  const error = await assertRejects(call, HeadcniError);
  assertEquals(error.reason, reason, String(error));
}
