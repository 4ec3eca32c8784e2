import { assert, assertEquals, assertMatch, assertRejects } from "@std/assert";
import { assertConsistent } from "../../tests/fakes/consistent_store.ts";
import { DAMAGES } from "../../tests/fakes/damages.ts";
import { leaseOf } from "../../tests/fakes/lease.ts";
import { FakeMender } from "../../tests/fakes/mender.ts";
import { seededRandom } from "../../tests/fakes/seeded_random.ts";
import { StoreError } from "../errors.ts";
import { formatAddress } from "../net/address.ts";
import { readCounters } from "./counters.ts";
import { listLeases, restoreLease } from "./leases.ts";
import { lockPath } from "./lock.ts";
import { openExistingStore, openStore, type Store, type StoreOptions } from "./store.ts";

/** A closed store with one lease, c1, and a mender that knows of another, c2. */
class ClosedStore implements AsyncDisposable {
  readonly mender = new FakeMender();
  readonly directory: string;
  readonly options: StoreOptions & { readonly mender: FakeMender };

  private constructor(root: string) {
    this.directory = `${root}/store`;
    const places = { directory: this.directory, runDirectory: `${root}/run` };
    this.options = { ...places, lockTimeoutMs: 10_000, mender: this.mender };
  }

  static async make(): Promise<ClosedStore> {
    const made = new ClosedStore(await Deno.makeTempDir({ prefix: "hct" }));
    await using store = await openStore(made.options);
    await store.write((tx) => restoreLease(tx, leaseOf("c1", "10.0.0.1/16")));
    made.mender.takeCalls();
    made.mender.leases = [leaseOf("c2", "10.0.0.2/16")];
    return made;
  }

  get path(): string {
    return `${this.directory}/state.kv`;
  }

  /** Names of the files of the KV, damaged ones without the time. */
  files(): string[] {
    return Array.from(Deno.readDirSync(this.directory), ({ name }) => name)
      .filter((name) => name.startsWith("state.kv"))
      .map((name) => name.replace(/\d{8}T\d{6}\.\d{3}Z/, "TIME")).sort();
  }

  /** As if somebody had been killed while he had the lock. */
  markSuspect(): void {
    const lock = lockPath(this.options.runDirectory, Deno.realPathSync(this.directory));
    Deno.writeFileSync(lock, new Uint8Array([1]));
  }

  /** As a boot leaves it. */
  forgetLock(): void {
    Deno.removeSync(this.options.runDirectory, { recursive: true });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.directory.replace(/\/store$/, ""), { recursive: true });
  }
}

Deno.test("openStore: makes no question of a store whose last writer came to an end", async () => {
  await using closed = await ClosedStore.make();
  await using store = await openStore(closed.options);
  assertEquals(await leasesOf(store), ["c1 10.0.0.1"]);
  assertEquals(closed.mender.takeCalls(), []);
});

Deno.test("openStore: examines once what a killed writer left, and after boot", async () => {
  await using closed = await ClosedStore.make();
  for (const leave of [() => closed.markSuspect(), () => closed.forgetLock()]) {
    leave();
    for (const calls of [["examine"], []]) {
      await using store = await openStore(closed.options);
      assertEquals(await leasesOf(store), ["c1 10.0.0.1"]);
      assertEquals(closed.mender.takeCalls(), calls);
    }
  }
});

Deno.test("openStore: who cannot examine leaves that to the next", async () => {
  await using closed = await ClosedStore.make();
  closed.markSuspect();
  const { mender: _mender, ...options } = closed.options;
  {
    await using store = await openStore(options);
    await store.write((tx) => restoreLease(tx, leaseOf("c3", "10.0.0.3/16")));
  }
  await using store = await openStore(closed.options);
  assertEquals(closed.mender.takeCalls(), ["examine"]);
  assertEquals(await leasesOf(store), ["c1 10.0.0.1", "c3 10.0.0.3"]);
});

Deno.test("openStore: who knows of no leases leaves a damaged store to the next", async () => {
  await using closed = await ClosedStore.make();
  closed.markSuspect();
  const old = Deno.readFileSync(closed.path);
  const mender = { examine: () => Promise.resolve("a page makes no sense") };
  for (const open of [openStore, openExistingStore]) {
    const error = await assertRejects(() => open({ ...closed.options, mender }), StoreError);
    assertEquals([error.reason, error.message], [
      "store-damaged",
      `Cannot use the store "${Deno.realPathSync(closed.path)}": a page makes no sense`,
    ]);
  }
  assertEquals(Deno.readFileSync(closed.path), old);
  await using _store = await openStore(closed.options);
  assertEquals(closed.mender.takeCalls(), ["examine"]);
});

Deno.test("openStore: makes what is found damaged anew, and keeps it under another name", async () => {
  await using closed = await ClosedStore.make();
  closed.markSuspect();
  closed.mender.seen = "a page makes no sense";
  const old = Deno.readFileSync(closed.path);
  await using store = await openStore(closed.options);
  assertEquals(closed.mender.takeCalls(), ["examine", "recall"]);
  assertEquals(await leasesOf(store), ["c2 10.0.0.2"]);
  await assertConsistent(store);
  const counters = await store.read(readCounters);
  assertEquals(counters.map(({ metric, value }) => `${metric} ${value}`), [
    "rebuilt 1",
    "restored 1",
  ]);
  const [aside = ""] = Array.from(Deno.readDirSync(closed.directory), ({ name }) => name)
    .filter((name) => name.includes("damaged"));
  assertMatch(aside, /^state\.kv\.damaged-\d{8}T\d{6}\.\d{3}Z$/);
  assertEquals(Deno.readFileSync(`${closed.directory}/${aside}`), old);
  assertEquals(closed.files(), [
    "state.kv",
    "state.kv-shm",
    "state.kv-wal",
    "state.kv.damaged-TIME",
  ]);
});

for (const [name, damage] of Object.entries(DAMAGES)) {
  Deno.test(`openStore: makes ${name} anew at once`, async () => {
    await using closed = await ClosedStore.make();
    damage(closed.path, seededRandom().random);
    await using store = await openStore(closed.options);
    assertEquals(closed.mender.takeCalls(), ["recall"]);
    assertEquals(await leasesOf(store), ["c2 10.0.0.2"]);
    await store.write((tx) => restoreLease(tx, leaseOf("c3", "10.0.0.3/16")));
    await assertConsistent(store);
  });

  Deno.test(`openExistingStore: makes ${name} anew for a DEL, too`, async () => {
    await using closed = await ClosedStore.make();
    damage(closed.path, seededRandom().random);
    await using store = await openExistingStore(closed.options);
    assert(store);
    assertEquals(await leasesOf(store), ["c2 10.0.0.2"]);
  });

  Deno.test(`openStore: leaves ${name} as it is where nobody can mend it`, async () => {
    await using closed = await ClosedStore.make();
    damage(closed.path, seededRandom().random);
    const { mender: _mender, ...options } = closed.options;
    const error = await assertRejects(() => openExistingStore(options), StoreError);
    assertEquals(error.reason, "store-damaged");
    assertMatch(error.details ?? "", /The next ADD or DEL/);
    assertEquals(closed.files(), ["state.kv"]);
    await using store = await openStore(closed.options);
    assertEquals(await leasesOf(store), ["c2 10.0.0.2"]);
  });
}

Deno.test("openStore: a mend that fails leaves all to the next", async () => {
  await using closed = await ClosedStore.make();
  closed.markSuspect();
  closed.mender.seen = "a page makes no sense";
  closed.mender.leases = new Error("no links can be read");
  for (let attempt = 0; attempt < 2; attempt++) {
    await assertRejects(() => openStore(closed.options), Error, "no links can be read");
    assertEquals(closed.mender.takeCalls(), ["examine", "recall"]);
    assertEquals(closed.files(), ["state.kv"]);
  }
  closed.mender.leases = [leaseOf("c4", "10.0.0.4/16")];
  await using store = await openStore(closed.options);
  assertEquals(await leasesOf(store), ["c4 10.0.0.4"]);
});

Deno.test("openStore: begins again after a kill in the middle of a mend", async () => {
  await using closed = await ClosedStore.make();
  // The new file is half made, and the old one is away but for its log.
  Deno.writeTextFileSync(`${closed.path}.mending`, "half");
  Deno.writeTextFileSync(`${closed.path}.mending-wal`, "half");
  Deno.renameSync(closed.path, `${closed.path}.damaged-then`);
  Deno.writeTextFileSync(`${closed.path}-wal`, "not of the new file");
  closed.markSuspect();
  await using store = await openStore(closed.options);
  assertEquals(closed.mender.takeCalls(), ["recall"]);
  assertEquals(await leasesOf(store), ["c2 10.0.0.2"]);
  assertEquals(closed.files(), [
    "state.kv",
    "state.kv-shm",
    "state.kv-wal",
    "state.kv.damaged-TIME-wal",
    "state.kv.damaged-then",
  ]);
});

Deno.test("openStore: a store that somebody removed knows the leases of pods that run", async () => {
  await using closed = await ClosedStore.make();
  Deno.removeSync(closed.path);
  assertEquals(await openExistingStore(closed.options), undefined);
  await using store = await openStore(closed.options);
  assertEquals(await leasesOf(store), ["c2 10.0.0.2"]);
  assertEquals((await store.read(readCounters)).map(({ metric }) => metric), ["restored"]);
});

Deno.test("openStore: of two witnesses that contradict each other the first counts", async () => {
  await using closed = await ClosedStore.make();
  Deno.removeSync(closed.path);
  const many = Array.from({ length: 40 }, (_, i) => leaseOf(`m${i}`, `10.0.${i}.9/16`));
  closed.mender.leases = [...many, leaseOf("late", "10.0.7.9/16"), leaseOf("c2", "10.0.0.2/16")];
  await using store = await openStore(closed.options);
  assertEquals((await leasesOf(store)).length, 41);
  assertEquals((await leasesOf(store)).includes("late 10.0.7.9"), false);
  await assertConsistent(store);
});

Deno.test("Store: examines before a transaction what another left in the middle", async () => {
  await using closed = await ClosedStore.make();
  await using store = await openStore(closed.options);
  closed.markSuspect();
  assertEquals(await leasesOf(store), ["c1 10.0.0.1"]);
  await store.write((tx) => restoreLease(tx, leaseOf("c3", "10.0.0.3/16")));
  await store.write((tx) => restoreLease(tx, leaseOf("c4", "10.0.0.4/16")));
  // A reader leaves the mark to the next writer.
  assertEquals(closed.mender.takeCalls(), ["examine", "examine"]);
});

Deno.test("Store: works on nothing that is found damaged; who opens it next mends it", async () => {
  await using closed = await ClosedStore.make();
  await using store = await openStore(closed.options);
  closed.markSuspect();
  closed.mender.seen = "a page makes no sense";
  const error = await assertRejects(() => store.write(() => {}), StoreError, "makes no sense");
  assertEquals(error.reason, "store-damaged");
  await using other = await openStore(closed.options);
  assertEquals(await leasesOf(other), ["c2 10.0.0.2"]);
});

Deno.test("Store: a record that makes no sense has the store examined", async () => {
  await using closed = await ClosedStore.make();
  {
    await using store = await openStore(closed.options);
    await store.write((tx) => tx.set(["lease", "pods", "c9", "eth0"], "noise"));
    await assertRejects(() => leasesOf(store), StoreError, "Cannot read the store");
  }
  await using _again = await openStore(closed.options);
  assertEquals(closed.mender.takeCalls(), ["examine"]);
});

Deno.test("Store: commits nothing into a file that was set aside meanwhile", async () => {
  await using closed = await ClosedStore.make();
  const late = await openStore(closed.options);
  closed.markSuspect();
  closed.mender.seen = "a page makes no sense";
  await using store = await openStore(closed.options);
  await store.write((tx) => restoreLease(tx, leaseOf("c5", "10.0.0.5/16")));
  const error = await assertRejects(
    () => late.write((tx) => restoreLease(tx, leaseOf("c6", "10.0.0.6/16"))),
    StoreError,
    "it was made anew meanwhile",
  );
  assertEquals(error.reason, "try-again");
  await late[Symbol.asyncDispose]();
  await using other = await openStore(closed.options);
  assertEquals(await leasesOf(other), ["c2 10.0.0.2", "c5 10.0.0.5"]);
});

/** Each lease as `<container> <address>`. */
async function leasesOf(store: Store): Promise<string[]> {
  const leases = await store.read((reader) => listLeases(reader));
  return leases.map(({ key, addresses }) =>
    [key.containerId, ...addresses.map(({ address }) => formatAddress(address.address))].join(" ")
  );
}
