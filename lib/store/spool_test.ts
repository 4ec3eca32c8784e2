import { assertEquals, assertRejects } from "@std/assert";
import { assertConsistent } from "../../tests/fakes/consistent_store.ts";
import { keyOf, leasedContainers, leaseOf } from "../../tests/fakes/lease.ts";
import { makeTemporaryStore, type TemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { StoreError } from "../errors.ts";
import { listAttachments, putAttachment } from "./attachments.ts";
import { readCounters } from "./counters.ts";
import { restoreLease } from "./leases.ts";
import { listResting } from "./resting.ts";
import { appendSpool, drainSpool, type SpoolEntry, spoolPath } from "./spool.ts";

const MOMENT = { bootId: "boot-1", uptimeMs: 1_000 };

Deno.test("appendSpool: a release comes to pass with the next transaction", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await attach(temporary, "c1", "c2", "c3");
  await append(temporary, { release: keyOf("c1"), ...MOMENT });
  await append(temporary, { release: keyOf("c3"), ...MOMENT });
  await append(temporary, { release: keyOf("unknown"), ...MOMENT });
  assertEquals(await leased(temporary), ["c1", "c2", "c3"]);
  await store.write(() => {});
  assertEquals(await leased(temporary), ["c2"]);
  const resting = await store.read((reader) => listResting(reader));
  assertEquals(resting.map(({ untilUptimeMs, bootId }) => [untilUptimeMs, bootId]), [
    [61_000, "boot-1"],
    [61_000, "boot-1"],
  ]);
  assertEquals(await counted(temporary, "spooled"), 3n);
  await assertConsistent(store);
  await store.write(() => {});
  assertEquals(await counted(temporary, "spooled"), 3n);
});

Deno.test("appendSpool: what was spooled is done although the transaction comes to nothing", async () => {
  await using temporary = await makeTemporaryStore();
  await attach(temporary, "c1");
  await append(temporary, { release: keyOf("c1"), ...MOMENT });
  const fail = () => {
    throw new Error("no address is free");
  };
  await assertRejects(() => temporary.store.write(fail), Error, "no address");
  assertEquals(await leased(temporary), []);
});

Deno.test("appendSpool: more releases than one commit takes", async () => {
  await using temporary = await makeTemporaryStore();
  const ids = Array.from({ length: 70 }, (_, index) => `c${index}`);
  await attach(temporary, ...ids);
  for (const id of ids) await append(temporary, { release: keyOf(id), ...MOMENT });
  await temporary.store.write(() => {});
  assertEquals(await leased(temporary), []);
  await assertConsistent(temporary.store);
});

Deno.test("appendSpool: counts, until the spool is large; releases always", async () => {
  await using temporary = await makeTemporaryStore();
  await attach(temporary, "c1");
  const cause = "x".repeat(1_000);
  for (let i = 0; i < 100; i++) await append(temporary, { count: ["errors", "pods", cause] });
  const path = pathOf(temporary);
  const kept = Deno.readTextFileSync(path).split("errors").length - 1;
  assertEquals(kept, Math.ceil(65_536 / (Deno.statSync(path).size / kept)));
  await append(temporary, { release: keyOf("c1"), ...MOMENT });
  await temporary.store.write(() => {});
  assertEquals(Deno.statSync(path).size, 0);
  assertEquals(await counted(temporary, "errors"), BigInt(kept));
  assertEquals(await leased(temporary), []);
});

Deno.test("drainSpool: a line that was cut off costs only itself", async () => {
  await using temporary = await makeTemporaryStore();
  await append(temporary, { count: ["errors", "pods", "first"] });
  Deno.writeTextFileSync(pathOf(temporary), '\n{"count":["err', { append: true });
  await append(temporary, { count: ["errors", "pods", "last"] });
  Deno.writeTextFileSync(pathOf(temporary), '\n{"count":[]}\n\n{"rele', { append: true });
  const seen: SpoolEntry[] = [];
  await drainSpool(pathOf(temporary), (entries) => Promise.resolve(void seen.push(...entries)));
  assertEquals(seen, [{ count: ["errors", "pods", "first"] }, {
    count: ["errors", "pods", "last"],
  }]);
});

Deno.test("drainSpool: keeps what could not be applied, and applies twice what was", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await attach(temporary, "c1", "c2");
  await append(temporary, { release: keyOf("c1"), ...MOMENT });
  const before = Deno.readTextFileSync(pathOf(temporary));
  const fail = () => Promise.reject(new Error("disk is full"));
  await assertRejects(() => drainSpool(pathOf(temporary), fail), Error, "disk is full");
  assertEquals(Deno.readTextFileSync(pathOf(temporary)), before);
  await store.write(() => {});
  // As after a kill between the commit and the end of the spool.
  Deno.writeTextFileSync(pathOf(temporary), before);
  await store.write(() => {});
  assertEquals(await leased(temporary), ["c2"]);
  await assertConsistent(store);
});

Deno.test("appendSpool: who waited for a spool that was deleted adds to the one after it", async () => {
  await using temporary = await makeTemporaryStore();
  const count = (label: string): SpoolEntry => ({ count: ["errors", "pods", label] });
  await append(temporary, count("first"));
  const old = Deno.openSync(pathOf(temporary));
  old.lockSync(true);
  const waiting = append(temporary, count("last"));
  Deno.removeSync(pathOf(temporary));
  old.close();
  await waiting;
  const seen: SpoolEntry[] = [];
  await drainSpool(pathOf(temporary), (entries) => Promise.resolve(void seen.push(...entries)));
  assertEquals(seen, [count("last")]);
});

Deno.test("drainSpool: where there is no spool none is made", async () => {
  await using temporary = await makeTemporaryStore();
  await temporary.store.write(() => {});
  await assertRejects(() => Deno.stat(pathOf(temporary)), Deno.errors.NotFound);
});

Deno.test("drainSpool: names a spool that cannot be read", async () => {
  await using temporary = await makeTemporaryStore();
  await Deno.mkdir(pathOf(temporary));
  await assertRejects(
    () => temporary.store.write(() => {}),
    StoreError,
    `the spool of the store "${pathOf(temporary)}"`,
  );
});

async function attach({ store }: TemporaryStore, ...ids: string[]): Promise<void> {
  const rest = { pod: {}, netns: "", bootId: "", createdMs: 0, config: {} };
  for (const [index, id] of ids.entries()) {
    await store.write(async (tx) => {
      await restoreLease(tx, leaseOf(id, `10.0.0.${index + 1}/24`));
      putAttachment(tx, { key: keyOf(id), phase: "added", ...rest });
    });
  }
}

function append({ options }: TemporaryStore, entry: SpoolEntry): Promise<void> {
  return appendSpool(options.runDirectory, options.directory, entry);
}

function pathOf({ store, options }: TemporaryStore): string {
  return spoolPath(options.runDirectory, store.directory);
}

/** Containers that have a lease, which are those that have a record. */
async function leased({ store }: TemporaryStore): Promise<string[]> {
  const ids = await leasedContainers(store);
  const attachments = await store.read((reader) => listAttachments(reader));
  assertEquals(attachments.map(({ key }) => key.containerId), ids);
  return ids;
}

async function counted({ store }: TemporaryStore, metric: string): Promise<bigint> {
  const counters = await store.read(readCounters);
  return counters.filter((counter) => counter.metric === metric)
    .reduce((sum, { value }) => sum + value, 0n);
}
