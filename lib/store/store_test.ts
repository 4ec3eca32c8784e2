import { assertEquals, assertExists, assertRejects, assertStringIncludes } from "@std/assert";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { StoreError } from "../errors.ts";
import { BOOT_KEY } from "./keys.ts";
import { listLockedStores, lockPath } from "./lock.ts";
import { openExistingStore, openStore, probeWrite } from "./store.ts";

Deno.test("Store.write: commits everything at once, for every later opener", async () => {
  await using temporary = await makeTemporaryStore();
  const { store, options } = temporary;
  const answer = await store.write(async (tx) => {
    tx.set(["a", 1], { text: "one" });
    tx.set(["a", new Uint8Array([2])], new Uint8Array([7]));
    return await tx.get(["a", 1]);
  });
  assertEquals(answer, { text: "one" });
  await using other = await openStore(options);
  assertEquals(await other.read((reader) => reader.list(["a"])), [
    { key: ["a", new Uint8Array([2])], value: new Uint8Array([7]) },
    { key: ["a", 1], value: { text: "one" } },
  ]);
});

Deno.test("Store.write: leaves nothing when the callback throws", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await store.write((tx) => tx.set(["kept"], 1));
  await assertRejects(
    () =>
      store.write((tx) => {
        tx.set(["lost"], 1);
        tx.delete(["kept"]);
        throw new Error("changed my mind");
      }),
    Error,
    "changed my mind",
  );
  assertEquals(await store.read((reader) => reader.getMany([["kept"], ["lost"]])), [1, undefined]);
});

Deno.test("Store.write: sees its own changes", async () => {
  await using temporary = await makeTemporaryStore();
  const seen = await temporary.store.write(async (tx) => {
    const before = await tx.get(["key"]);
    tx.set(["key"], "new");
    const staged = await tx.get(["key"]);
    tx.delete(["key"]);
    return [before, staged, await tx.get(["key"])];
  });
  assertEquals(seen, [undefined, "new", undefined]);
});

Deno.test("Store.read: reads more keys than one request of the KV takes", async () => {
  await using temporary = await makeTemporaryStore();
  const keys = Array.from({ length: 25 }, (_, i) => ["many", i]);
  await temporary.store.write((tx) => keys.forEach((key, i) => tx.set(key, i)));
  const values = await temporary.store.read((reader) => reader.getMany(keys));
  assertEquals(values, Array.from(keys.keys()));
});

Deno.test("Store.read: lists the first entries of many", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await store.write((tx) => [3, 1, 2].forEach((value) => tx.set(["many", value], value)));
  const list = (limit: number) => store.read((reader) => reader.list(["many"], { limit }));
  assertEquals((await list(2)).map(({ value }) => value), [1, 2]);
  assertEquals((await list(9)).map(({ value }) => value), [1, 2, 3]);
});

Deno.test("Store.clearedBootId: tells what was stored when it was opened", async () => {
  await using temporary = await makeTemporaryStore();
  const { store, options } = temporary;
  await store.write((tx) => tx.set(BOOT_KEY, "boot-1"));
  await using other = await openStore(options);
  assertEquals([store.clearedBootId, other.clearedBootId], [undefined, "boot-1"]);
});

Deno.test("Store.write: serializes transactions of all who have it open", async () => {
  await using temporary = await makeTemporaryStore();
  await using other = await openStore(temporary.options);
  const stores = [temporary.store, other];
  await Promise.all(Array.from({ length: 60 }, (_, i) =>
    stores[i % 2]?.write(async (tx) => {
      tx.set(["sum"], Number(await tx.get(["sum"]) ?? 0) + 1);
    })));
  assertEquals(await other.read((reader) => reader.get(["sum"])), 60);
});

Deno.test("Store.write: refuses to overwrite what somebody changed without our lock", async () => {
  await using temporary = await makeTemporaryStore();
  const { store, options } = temporary;
  const intruder = await Deno.openKv(`${options.directory}/state.kv`);
  const error = await assertRejects(
    () =>
      store.write(async (tx) => {
        await tx.get(["page"]);
        await intruder.set(["page"], "theirs");
        tx.set(["page"], "ours");
        tx.set(["lease"], "ours");
      }),
    StoreError,
  );
  intruder.close();
  assertEquals(error.reason, "try-again");
  assertEquals(await store.read((reader) => reader.getMany([["page"], ["lease"]])), [
    "theirs",
    undefined,
  ]);
});

Deno.test("Store.write: what was committed to a file that was replaced meanwhile is not done", async () => {
  await using temporary = await makeTemporaryStore();
  const { store, options } = temporary;
  const path = `${store.directory}/state.kv`;
  const error = await assertRejects(
    () =>
      store.write((tx) => {
        tx.set(["lost"], 1);
        Deno.renameSync(path, `${options.runDirectory}/old`);
        Deno.writeTextFileSync(path, "");
      }),
    StoreError,
    "it was made anew meanwhile",
  );
  assertEquals(error.reason, "try-again");
});

Deno.test("Store.write: refuses a value that the KV cannot hold", async () => {
  await using temporary = await makeTemporaryStore();
  const error = await assertRejects(
    () => temporary.store.write((tx) => tx.set(["large"], "x".repeat(70_000))),
    StoreError,
    "Value too large",
  );
  assertEquals(error.reason, "store-failure");
});

Deno.test("openStore: keeps directory and files for their owner alone", async () => {
  await using temporary = await makeTemporaryStore();
  const { directory, runDirectory } = temporary.options;
  assertEquals(modeOf(directory), "700");
  assertEquals(modeOf(runDirectory), "700");
  for (const folder of [directory, runDirectory]) {
    for (const { name } of Deno.readDirSync(folder)) {
      assertEquals(modeOf(`${folder}/${name}`), "600", name);
    }
  }
});

Deno.test("openStore: leaves the mode of a directory that is there alone", async () => {
  await using temporary = await makeTemporaryStore();
  const directory = `${temporary.options.runDirectory}/theirs`;
  Deno.mkdirSync(directory);
  Deno.chmodSync(directory, 0o755);
  await using _store = await openStore({ ...temporary.options, directory });
  assertEquals(modeOf(directory), "755");
});

Deno.test("openStore: a lock tells which store it is for, however the path was written", async () => {
  await using temporary = await makeTemporaryStore();
  const { directory, runDirectory } = temporary.options;
  Deno.symlinkSync(directory, `${runDirectory}/link`);
  await using other = await openStore({ directory: `${runDirectory}/link`, runDirectory });
  assertEquals(other.directory, Deno.realPathSync(directory));
  assertEquals(listLockedStores(runDirectory), [other.directory]);
});

Deno.test("openStore: says who is too slow when the lock is held, and works when it is free", async () => {
  await using temporary = await makeTemporaryStore();
  const { options, store } = temporary;
  const path = lockPath(options.runDirectory, store.directory);
  const holder = Deno.openSync(path, { write: true });
  holder.lockSync(true);
  const error = await assertRejects(() => openStore({ ...options, lockTimeoutMs: 20 }), StoreError);
  assertEquals([error.reason, error.message], [
    "try-again",
    `Cannot lock "${path}": another process held it for 20 ms`,
  ]);
  holder.close();
  await using again = await openStore(options);
  await again.write((tx) => tx.set(["works"], true));
});

Deno.test("Store: closes although the lock is held, for what was done is committed", async () => {
  await using temporary = await makeTemporaryStore();
  const { options } = temporary;
  const store = await openStore({ ...options, lockTimeoutMs: 20 });
  await store.write((tx) => tx.set(["done"], true));
  const holder = Deno.openSync(lockPath(options.runDirectory, store.directory), { write: true });
  holder.lockSync(true);
  await store[Symbol.asyncDispose]();
  holder.close();
  assertEquals(await temporary.store.read((reader) => reader.get(["done"])), true);
});

Deno.test("openStore: does not read what a newer release wrote for itself", async () => {
  await using temporary = await makeTemporaryStore();
  const { options, store } = temporary;
  await store.write((tx) => tx.set(["schema"], { version: 3, readableFrom: 2 }));
  const error = await assertRejects(
    () => openStore(options),
    StoreError,
    "a newer release wrote it",
  );
  assertEquals(error.reason, "try-again");
  assertEquals(await openExistingStore(options), undefined);
  const schema = await store.read((reader) => reader.get(["schema"]));
  assertEquals(schema, { version: 3, readableFrom: 2 });
});

Deno.test("openStore: reads what a newer release wrote for us too", async () => {
  await using temporary = await makeTemporaryStore();
  const { options, store } = temporary;
  await store.write((tx) => tx.set(["schema"], { version: 3, readableFrom: 1 }));
  await using newer = await openStore(options);
  const schema = await newer.read((reader) => reader.get(["schema"]));
  assertEquals(schema, { version: 3, readableFrom: 1 });
});

Deno.test("openStore: names the path when it cannot be made, opened or understood", async () => {
  await using temporary = await makeTemporaryStore();
  const { options } = temporary;
  const file = `${options.runDirectory}/file`;
  Deno.writeTextFileSync(file, "");
  Deno.mkdirSync(`${options.runDirectory}/taken/state.kv`, { recursive: true });
  Deno.mkdirSync(`${options.runDirectory}/noise`);
  Deno.writeTextFileSync(`${options.runDirectory}/noise/state.kv`, "no database\n".repeat(1_000));
  for (
    const directory of [
      `${file}/store`,
      `${options.runDirectory}/taken`,
      `${options.runDirectory}/noise`,
    ]
  ) {
    const error = await assertRejects(() => openStore({ ...options, directory }), StoreError);
    assertEquals(error.reason, directory.endsWith("noise") ? "store-damaged" : "store-failure");
    assertStringIncludes(error.message, directory);
  }
});

Deno.test("probeWrite: changes nothing", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await store.write(probeWrite);
  assertEquals(await store.read((reader) => reader.list([])), [
    { key: ["schema"], value: { version: 1, readableFrom: 1 } },
  ]);
});

Deno.test("openStore: refuses a schema that makes no sense", async () => {
  await using temporary = await makeTemporaryStore();
  await temporary.store.write((tx) => tx.set(["schema"], "1"));
  const error = await assertRejects(() => openStore(temporary.options), StoreError, "schema of");
  assertEquals(error.reason, "store-damaged");
});

Deno.test("openExistingStore: makes nothing where there is nothing", async () => {
  await using temporary = await makeTemporaryStore();
  const directory = `${temporary.options.runDirectory}/absent`;
  assertEquals(await openExistingStore({ ...temporary.options, directory }), undefined);
  await assertRejects(() => Deno.stat(directory), Deno.errors.NotFound);
  await using present = await openExistingStore(temporary.options);
  assertExists(present);
});

Deno.test("openExistingStore: what cannot be looked at is not the same as no store", async () => {
  await using temporary = await makeTemporaryStore();
  const { options } = temporary;
  const file = `${options.runDirectory}/file`;
  Deno.writeTextFileSync(file, "");
  Deno.mkdirSync(`${options.runDirectory}/taken/state.kv`, { recursive: true });
  for (const directory of [`${file}/store`, `${options.runDirectory}/taken`]) {
    const error = await assertRejects(
      () => openExistingStore({ ...options, directory }),
      StoreError,
      directory,
    );
    assertEquals(error.reason, "store-failure");
  }
});

function modeOf(path: string): string {
  return ((Deno.statSync(path).mode ?? 0) & 0o777).toString(8);
}
