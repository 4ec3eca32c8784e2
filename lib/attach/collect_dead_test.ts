import { assertEquals, assertRejects } from "@std/assert";
import { keyOf, leasedContainers } from "../../tests/fakes/lease.ts";
import { IPAM, TracedNode } from "../../tests/fakes/traced_node.ts";
import { KernelError, StoreError } from "../errors.ts";
import { HEADCNI_LINK_GROUP } from "../net/link.ts";
import { hostLinkName } from "../pod/identity.ts";
import { listAttachments, putAttachment } from "../store/attachments.ts";
import { readCounters } from "../store/counters.ts";
import { listResting } from "../store/resting.ts";
import type { Store } from "../store/store.ts";
import { collectDead, type CollectOptions, type Judged } from "./collect_dead.ts";
import { listedHost } from "../../tests/fakes/listed_host.ts";

const FIVE_MINUTES_MS = 300_000;
const OPTIONS: CollectOptions = { graceMs: FIVE_MINUTES_MS, dryRun: false };

Deno.test("collectDead: frees what two proofs call dead, and says which", async () => {
  await using node = await TracedNode.make();
  await node.addResult("unrelated", [], {});
  await using store = await node.openStore();
  await node.lease(store, keyOf("there"), node.addNetns("there"));
  await node.lease(store, keyOf("linked"), node.gone);
  node.addLink(keyOf("linked"), ["10.9.0.3"]);
  await node.lease(store, keyOf("known"), node.gone);
  await node.addResult("known", ["10.9.0.4/24"], { netns: node.gone });
  await node.lease(store, keyOf("unseen"), `${node.root}/unmounted/unseen`);
  await node.lease(store, keyOf("untold"), "");
  await node.lease(store, keyOf("dead"), node.gone);
  node.netns = "net:[2]";
  await node.lease(store, keyOf("elsewhere"), node.gone);
  node.netns = "net:[1]";
  node.uptimeMs += FIVE_MINUTES_MS;
  await node.lease(store, keyOf("young"), node.gone);

  const judged = await collectDead(store, node.context, OPTIONS);
  const gone = `network namespace "${node.gone}" is gone`;
  assertEquals(outcomes(judged), {
    dead: [gone, "the runtime has no result of it"],
    elsewhere: "made in another network namespace than this one: nothing can be seen from here",
    known: `${gone}, but nothing else says that it is dead`,
    linked: `link "${hostLinkName(keyOf("linked"))}" has its alias`,
    there: `network namespace "${node.root}/netns/there" is there`,
    unseen: `network namespace "${node.root}/unmounted/unseen" cannot be seen from here`,
    untold: "its network namespace is not known",
    young: "it is younger than the grace period",
  });
  assertEquals(judged.filter(({ isReleased }) => isReleased).map(containerId), ["dead"]);
  const left = ["elsewhere", "known", "linked", "there", "unseen", "untold", "young"];
  assertEquals(await leasedContainers(store), left);
});

Deno.test("collectDead: without a cache of results nobody can miss one", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  await node.lease(store, keyOf("a"), node.gone);
  await collectDead(store, node.context, { ...OPTIONS, graceMs: 0 });
  assertEquals(await leasedContainers(store), ["a"]);
});

Deno.test("collectDead: an unknown namespace ends with its boot, unless something else is seen", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  for (const id of ["dead", "known", "linked"]) await node.lease(store, keyOf(id), "");
  node.addLink(keyOf("linked"), ["10.9.0.4"]);
  await node.addResult("known", ["10.9.0.3/24"], {});
  node.bootId = "boot-3";
  node.netns = "net:[2]";
  assertEquals(outcomes(await collectDead(store, node.context, OPTIONS)), {
    dead: ["no link has its alias", "it is of another boot", "the runtime has no result of it"],
    known: "its network namespace is not known",
    linked: `link "${hostLinkName(keyOf("linked"))}" has its alias`,
  });
  assertEquals(await leasedContainers(store), ["known", "linked"]);
});

Deno.test("collectDead: a link that has no alias yet is life too", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  await node.lease(store, keyOf("a"), node.gone);
  node.bootId = "boot-3";
  const name = hostLinkName(keyOf("a"));
  const flags = { mtuBytes: 1280, up: false, promiscuous: false, carrier: false };
  node.openHost = () => listedHost([{ index: 1, name, group: HEADCNI_LINK_GROUP, ...flags }]);
  assertEquals(outcomes(await collectDead(store, node.context, OPTIONS)), {
    a: `link "${name}" has its alias`,
  });
});

Deno.test("collectDead: a dry run frees nothing", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  await node.lease(store, keyOf("a"), node.gone);
  node.bootId = "boot-3";
  const judged = await collectDead(store, node.context, { ...OPTIONS, dryRun: true });
  assertEquals(judged.map(({ judgement, isReleased }) => [judgement.dead, isReleased]), [
    [true, false],
  ]);
  assertEquals(await leasedContainers(store), ["a"]);
});

Deno.test("collectDead: stays within a network", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  for (const network of ["pods", "other"]) {
    await node.lease(store, keyOf(network, network), node.gone);
  }
  node.bootId = "boot-3";
  const judged = await collectDead(store, node.context, { ...OPTIONS, network: "other" });
  assertEquals(judged.map(containerId), ["other"]);
  assertEquals(await leasedContainers(store), ["pods"]);
});

Deno.test("collectDead: an address rests, unless its boot is over; both are counted", async () => {
  await using node = await TracedNode.make();
  await node.addResult("unrelated", [], {});
  await using store = await node.openStore();
  await node.lease(store, keyOf("earlier"), node.gone);
  node.bootId = "boot-3";
  await node.lease(store, keyOf("now"), node.gone);
  await collectDead(store, node.context, { ...OPTIONS, graceMs: 0 });
  assertEquals(await leasedContainers(store), []);
  const resting = await store.read((reader) => listResting(reader));
  assertEquals(resting.map(({ untilUptimeMs, bootId }) => [untilUptimeMs, bootId]), [
    [node.uptimeMs + FIVE_MINUTES_MS, "boot-3"],
  ]);
  const counters = await store.read((reader) => readCounters(reader));
  const reclaimed = counters.filter(({ metric }) => metric === "reclaimed");
  assertEquals(reclaimed, [{ metric: "reclaimed", labels: ["pods"], value: 2n }]);
});

Deno.test("collectDead: the record goes too, but not one that another IPAM plugin needs", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  const ipamOf = { own: IPAM, foreign: { type: "host-local" } };
  for (const [id, ipam] of Object.entries(ipamOf)) {
    await node.lease(store, keyOf(id), node.gone);
    const made = { phase: "added", bootId: node.bootId, createdMs: 0, hostLink: "veth0" } as const;
    const attachment = { key: keyOf(id), pod: {}, netns: node.gone, ...made, config: { ipam } };
    await store.write((tx) => putAttachment(tx, attachment));
  }
  const judged = await collectDead(store, node.context, { ...OPTIONS, graceMs: 0 });
  const proofs = [`network namespace "${node.gone}" is gone`, 'its host link "veth0" is gone'];
  assertEquals(outcomes(judged), { own: proofs, foreign: proofs });
  assertEquals(await leasedContainers(store), []);
  const left = await store.read((reader) => listAttachments(reader));
  assertEquals(left.map(({ key }) => key.containerId), ["foreign"]);
});

Deno.test("collectDead: looks again before it frees, and leaves what has changed", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  const ids = Array.from({ length: 20 }, (_, index) => `c${String(index).padStart(2, "0")}`);
  for (const id of ids) await node.lease(store, keyOf(id), `${node.root}/netns/${id}`);
  node.bootId = "boot-3";
  const progress: string[] = [];
  const judged = await collectDead(store, node.context, {
    ...OPTIONS,
    onProgress(done, total) {
      if (progress.length === 0) node.addNetns("c19");
      progress.push(`${done}/${total}`);
    },
  });
  assertEquals(progress, ["8/20", "16/20", "20/20"]);
  assertEquals(await leasedContainers(store), ["c19"]);
  assertEquals(outcomes(judged.slice(-1)), {
    c19: `network namespace "${node.root}/netns/c19" is there`,
  });
});

Deno.test("collectDead: a commit that fails is told of, and the next ones go on", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  for (let id = 10; id < 20; id++) await node.lease(store, keyOf(`c${id}`), node.gone);
  node.bootId = "boot-3";
  const judged = await collectDead(failingOnce(store), node.context, OPTIONS);
  assertEquals(judged.map(({ failure }) => failure), [...Array(8).fill("disk full"), ...DONE]);
  assertEquals((await leasedContainers(store)).length, 8);
});

Deno.test("collectDead: proves nothing where it cannot see the links", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  node.openHost = () => {
    throw new KernelError("socket", 1, "Cannot open netlink");
  };
  await assertRejects(() => collectDead(store, node.context, OPTIONS), KernelError);
});

/** No failure of the two leases of a second commit. */
const DONE = [undefined, undefined];

/** Proofs or the sign of life, by container. */
function outcomes(judged: readonly Judged[]): Record<string, string[] | string> {
  return Object.fromEntries(judged.map((one) => {
    const { judgement } = one;
    return [containerId(one), judgement.dead ? judgement.proofs : judgement.reason];
  }));
}

function containerId({ lease }: Judged): string {
  return lease.key.containerId;
}

/** The store, but for its first write. */
function failingOnce(store: Store): Store {
  let writes = 0;
  return {
    directory: store.directory,
    clearedBootId: store.clearedBootId,
    read: (fn) => store.read(fn),
    write(fn) {
      writes += 1;
      if (writes > 1) return store.write(fn);
      return Promise.reject(new StoreError("store-failure", "disk full"));
    },
    [Symbol.asyncDispose]: () => Promise.resolve(),
  };
}
