/**
 * Random calls against a model of a few lines: whoever has an address keeps it, nobody gets one that
 * another has, that rests, or that is not to be given, and an ADD fails only when it must.
 */
import { assert, assertEquals, assertRejects } from "@std/assert";
import { makeRequest, makeWorld, type World } from "../../tests/fakes/world.ts";
import { seededRandom } from "../../tests/fakes/seeded_random.ts";
import { assertConsistent } from "../../tests/fakes/consistent_store.ts";
import { openStore } from "../../lib/store/store.ts";
import { HeadcniError } from "../../lib/errors.ts";
import { add } from "./add.ts";
import { check } from "./check.ts";
import { del } from "./del.ts";
import { gc } from "./gc.ts";

const RUNS = 8;
const CALLS = 120;
const PODS = 9;

/** A configuration, and all that it may give. */
interface Setting {
  readonly ipam: Record<string, unknown>;
  readonly usable: readonly string[];
  readonly restMs: number;
}

const addresses = (first: number, last: number) =>
  Array.from({ length: last - first + 1 }, (_, at) => `10.1.0.${first + at}`);

const SETTINGS: readonly Setting[] = ["sequential", "random", "dense"].flatMap((strategy) => [
  {
    ipam: { subnet: "10.1.0.0/29", allocation_strategy: strategy, cooldown: "60s" },
    usable: addresses(2, 6),
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
    usable: [...addresses(2, 4), ...addresses(20, 21)],
    restMs: 0,
  },
]);

/** What must be so: the owners of addresses, and those that rest, the longest rested first. */
interface Model {
  readonly owned: Map<string, { address: string; boot: string; netns: string; restMs: number }>;
  resting: { address: string; until: number }[];
  /** No ADD has been in this boot yet. */
  isNewBoot: boolean;
}

Deno.test("ipam: random calls agree with a model", async () => {
  const { random } = seededRandom();
  for (let run = 0; run < RUNS; run++) await play(random);
});

async function play(random: (bound: number) => number): Promise<void> {
  await using world = await makeWorld(random);
  const model: Model = { owned: new Map(), resting: [], isNewBoot: true };
  let setting = pick(SETTINGS, random);
  for (let at = 0; at < CALLS; at++) {
    const pod = `pod${random(PODS)}`;
    const dice = random(100);
    if (dice < 45) await playAdd(world, model, setting, pod);
    else if (dice < 75) await playDel(world, model, setting, pod);
    else if (dice < 83) await playCheck(world, model, setting, pod);
    else if (dice < 88) await playGc(world, model, setting, random);
    else if (dice < 94) world.pass(random(90_000));
    else if (dice < 96) await playReboot(world, model, random);
    else setting = pick(SETTINGS, random);
  }
  await using store = await openStore(world.storeOptions);
  await assertConsistent(store);
}

async function playAdd(world: World, model: Model, setting: Setting, pod: string): Promise<void> {
  const netns = world.netnsPath(pod);
  await Deno.writeTextFile(netns, "");
  const adding = () => add(makeRequest("ADD", pod, setting.ipam, netns), world.context);
  const isRefused = model.owned.has(pod) || freeOf(model, setting).length === 0;
  if (model.isNewBoot || isRefused) await forgetDead(world, model);
  model.isNewBoot = false;
  if (model.owned.has(pod)) return await assertFault(adding, "already-attached");
  const free = freeOf(model, setting);
  if (free.length === 0) return await assertFault(adding, "pool-exhausted");
  const { ips: [ip] } = await adding();
  const address = `10.1.0.${Number((ip?.address.address.value ?? 0n) & 0xffn)}`;
  const rested = model.resting.filter(({ until }) => until > world.uptimeMs)
    .filter((one) => free.includes(one.address)).toSorted((a, b) => a.until - b.until);
  const fresh = free.filter((one) => !rested.some((other) => other.address === one));
  const longest = rested.filter(({ until }) => until === rested[0]?.until);
  const allowed = fresh.length > 0 ? fresh : longest.map((one) => one.address);
  assert(allowed.includes(address), `${pod} got ${address}, not one of ${allowed}`);
  model.resting = model.resting.filter((one) => one.address !== address);
  model.owned.set(pod, { address, boot: world.bootId, netns, restMs: setting.restMs });
}

async function playDel(world: World, model: Model, setting: Setting, pod: string): Promise<void> {
  await lose(model, pod);
  await del(makeRequest("DEL", pod, setting.ipam, ""), world.context);
  release(world, model, pod);
}

async function playCheck(world: World, model: Model, setting: Setting, pod: string) {
  const checking = () => check(makeRequest("CHECK", pod, setting.ipam, ""), world.context);
  if (model.owned.has(pod)) await checking();
  else await assertFault(checking, "check-failure");
}

/** With a list all others go; without one, those of another boot whose namespace is gone. */
async function playGc(
  world: World,
  model: Model,
  { ipam }: Setting,
  random: (bound: number) => number,
): Promise<void> {
  const listed = [...model.owned.keys()].filter(() => random(2) === 0);
  const valid = random(2) === 0 ? listed : undefined;
  await gc(makeRequest("GC", "", ipam, "", valid), world.context);
  if (!valid) return await forgetDead(world, model);
  for (const pod of [...model.owned.keys()]) {
    if (!valid.includes(pod)) release(world, model, pod);
  }
}

/** Some namespaces seem to be there again: paths like /proc/1/ns/net name another process then. */
async function playReboot(
  world: World,
  model: Model,
  random: (bound: number) => number,
): Promise<void> {
  world.reboot();
  model.resting = [];
  model.isNewBoot = true;
  for (const pod of model.owned.keys()) if (random(4) !== 0) await lose(model, pod);
}

async function lose(model: Model, pod: string): Promise<void> {
  const netns = model.owned.get(pod)?.netns;
  if (netns && await isThere(netns)) await Deno.remove(netns);
}

/** Those of another boot are free at once: nobody had their addresses in this one. */
async function forgetDead(world: World, model: Model): Promise<void> {
  for (const pod of [...model.owned.keys()]) {
    if (await isGone(world, model, pod)) model.owned.delete(pod);
  }
}

async function isGone(world: World, model: Model, pod: string): Promise<boolean> {
  const lease = model.owned.get(pod);
  return lease !== undefined && lease.boot !== world.bootId && !await isThere(lease.netns);
}

async function isThere(path: string): Promise<boolean> {
  return await Deno.stat(path).then(() => true, () => false);
}

function release(world: World, model: Model, pod: string): void {
  const lease = model.owned.get(pod);
  if (!lease) return;
  model.owned.delete(pod);
  if (lease.restMs === 0) return;
  model.resting.push({ address: lease.address, until: world.uptimeMs + lease.restMs });
}

function freeOf(model: Model, { usable }: Setting): string[] {
  const owned = new Set(Array.from(model.owned.values(), ({ address }) => address));
  return usable.filter((address) => !owned.has(address));
}

async function assertFault(call: () => Promise<unknown>, reason: string): Promise<void> {
  const error = await assertRejects(call, HeadcniError);
  assertEquals(error.reason, reason, String(error));
}

function pick<T>(items: readonly T[], random: (bound: number) => number): T {
  const item = items[random(items.length)];
  if (item === undefined) throw new Error("nothing to pick from");
  return item;
}
