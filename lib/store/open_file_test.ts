import { assertEquals, assertRejects } from "@std/assert";
import { assertConsistent } from "../../tests/fakes/consistent_store.ts";
import { leasedContainers, leaseOf } from "../../tests/fakes/lease.ts";
import { logged } from "../../tests/fakes/logged.ts";
import { FakeMender } from "../../tests/fakes/mender.ts";
import { StoreError } from "../errors.ts";
import { findOwner, restoreLease } from "./leases.ts";
import { type LockOptions, lockPath, withLock } from "./lock.ts";
import { openFile } from "./open_file.ts";
import { openStore, type StoreOptions } from "./store.ts";

/** A closed store with c1 and c2, the copy of it from when it had c1 and c9, and c2's address too. */
class CopiedStore implements AsyncDisposable {
  readonly mender = new FakeMender();
  readonly options: StoreOptions & { readonly mender: FakeMender };
  readonly #root: string;

  private constructor(root: string) {
    this.#root = root;
    const places = { directory: `${root}/store`, runDirectory: `${root}/run` };
    this.options = { ...places, lockTimeoutMs: 10_000, mender: this.mender };
  }

  static async make(): Promise<CopiedStore> {
    const made = new CopiedStore(await Deno.makeTempDir({ prefix: "hct" }));
    await made.attach("c1", "10.0.0.1/16");
    await made.attach("c9", "10.0.0.2/16");
    Deno.copyFileSync(made.path, `${made.#root}/copy`);
    Deno.removeSync(made.path);
    await made.attach("c1", "10.0.0.1/16");
    await made.attach("c2", "10.0.0.2/16");
    made.mender.leases = [leaseOf("c1", "10.0.0.1/16"), leaseOf("c2", "10.0.0.2/16")];
    made.mender.takeCalls();
    return made;
  }

  get path(): string {
    return `${this.options.directory}/state.kv`;
  }

  get lock(): LockOptions {
    const { directory, runDirectory } = this.options;
    return { path: lockPath(runDirectory, Deno.realPathSync(directory)), timeoutMs: 10_000 };
  }

  async attach(containerId: string, address: string): Promise<void> {
    await using store = await openStore(this.options);
    await store.write((tx) => restoreLease(tx, leaseOf(containerId, address)));
  }

  /** As an administrator does: the new file may well get the inode of the old one. */
  putCopy(): void {
    Deno.removeSync(this.path);
    Deno.copyFileSync(`${this.#root}/copy`, this.path);
  }

  /** Who has leases for those who open the store, and what that made of the mender. */
  async open(): Promise<readonly [containers: string[], calls: string[]]> {
    await using store = await openStore(this.options);
    await assertConsistent(store);
    return [await leasedContainers(store), this.mender.takeCalls()];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Deno.remove(this.#root, { recursive: true });
  }
}

Deno.test("openFile: gives the copy of an older store what witnesses tell of, once", async () => {
  await using copied = await CopiedStore.make();
  copied.putCopy();
  assertEquals(await copied.open(), [["c1", "c2"], ["examine", "recall"]]);
  await using store = await openStore(copied.options);
  const [address] = leaseOf("c2", "10.0.0.2/16").addresses;
  const owner = await store.read((reader) =>
    address && findOwner(reader, "pods", address.address.address)
  );
  assertEquals(owner?.containerId, "c2");
  assertEquals(copied.mender.takeCalls(), []);
});

Deno.test("openFile: a copy that lacks nothing is no error", async () => {
  await using copied = await CopiedStore.make();
  for (const containers of [["c1", "c9"], ["c1", "c2"]]) {
    copied.putCopy();
    copied.mender.leases = containers.map((id, at) => leaseOf(id, `10.0.0.${at + 1}/16`));
    const text = await logged("error", () => copied.open());
    assertEquals(text.includes("Completed the store"), containers.includes("c2"));
  }
});

Deno.test("openFile: after boot the file that is there counts, whichever it is", async () => {
  await using copied = await CopiedStore.make();
  copied.putCopy();
  Deno.removeSync(copied.options.runDirectory, { recursive: true });
  assertEquals(await copied.open(), [["c1", "c9"], ["examine"]]);
  copied.putCopy();
  assertEquals(await copied.open(), [["c1", "c2"], ["examine", "recall"]]);
});

Deno.test("openFile: an attachment that was made again has its address of today", async () => {
  const today = [leaseOf("c9", "10.0.0.9/16"), leaseOf("c2", "10.0.0.2/16")];
  for (const leases of [today, today.toReversed()]) {
    await using copied = await CopiedStore.make();
    copied.putCopy();
    copied.mender.leases = leases;
    assertEquals(await copied.open(), [["c1", "c2", "c9"], ["examine", "recall"]]);
  }
});

Deno.test("openFile: what is made without witnesses gets what they tell from the next", async () => {
  await using copied = await CopiedStore.make();
  const { options, mender } = copied;
  Deno.removeSync(copied.path);
  const unknowing = { ...options, mender: { examine: () => Promise.resolve(undefined) } };
  await (await openStore(unknowing))[Symbol.asyncDispose]();
  assertEquals(await copied.open(), [["c1", "c2"], ["examine", "recall"]]);
  Deno.removeSync(options.runDirectory, { recursive: true });
  Deno.removeSync(copied.path);
  await (await openStore(unknowing))[Symbol.asyncDispose]();
  mender.takeCalls();
  assertEquals(await copied.open(), [["c1", "c2"], ["examine", "recall"]]);
  assertEquals(await copied.open(), [["c1", "c2"], []]);
});

Deno.test("openFile: a new file that nobody came to put in place is taken, and tells more", async () => {
  await using copied = await CopiedStore.make();
  Deno.renameSync(copied.path, `${copied.path}.mended`);
  copied.mender.leases = [];
  assertEquals(await copied.open(), [["c1", "c2"], []]);
});

Deno.test("openFile: what it makes or mends is no copy for the next", async () => {
  await using copied = await CopiedStore.make();
  Deno.removeSync(copied.path);
  assertEquals(await copied.open(), [["c1", "c2"], ["recall"]]);
  assertEquals(await copied.open(), [["c1", "c2"], []]);
  Deno.truncateSync(copied.path, 0);
  assertEquals(await copied.open(), [["c1", "c2"], ["recall"]]);
  assertEquals(await copied.open(), [["c1", "c2"], []]);
});

Deno.test("openFile: what it makes or mends is no copy, also when it fails afterwards", async () => {
  await using copied = await CopiedStore.make();
  const openKv = () => Promise.reject(new Error("cannot make a thread"));
  for (const spoil of [() => Deno.removeSync(copied.path), () => copied.putCopy()]) {
    spoil();
    copied.mender.seen = "a page makes no sense";
    const { path, lock, mender } = copied;
    await assertRejects(
      () =>
        withLock(
          lock,
          "exclusive",
          (held) => openFile({ path, held, mender, mayMake: true, openKv }),
        ),
      StoreError,
      "cannot make a thread",
    );
    copied.mender.takeCalls();
    assertEquals(await copied.open(), [["c1", "c2"], []]);
  }
});

Deno.test("openFile: who had the store open acknowledges no copy, not even by closing it", async () => {
  await using copied = await CopiedStore.make();
  {
    await using store = await openStore(copied.options);
    copied.putCopy();
    await assertRejects(() => store.write(() => {}), StoreError, "made anew meanwhile");
  }
  assertEquals(await copied.open(), [["c1", "c2"], ["examine", "recall"]]);
});

Deno.test("openFile: who knows of no leases leaves a copy to the next", async () => {
  await using copied = await CopiedStore.make();
  copied.putCopy();
  const { mender: _mender, ...options } = copied.options;
  const examine = (file: string) => copied.mender.examine(file);
  for (const mayKnow of [options, { ...options, mender: { examine } }]) {
    await using store = await openStore(mayKnow);
    assertEquals(await leasedContainers(store), ["c1", "c9"]);
  }
  copied.mender.takeCalls();
  assertEquals(await copied.open(), [["c1", "c2"], ["examine", "recall"]]);
});

Deno.test("openFile: a merge that fails leaves all to the next", async () => {
  await using copied = await CopiedStore.make();
  const { leases } = copied.mender;
  copied.putCopy();
  copied.mender.leases = new Error("no links can be read");
  for (let attempt = 0; attempt < 2; attempt++) {
    await assertRejects(() => copied.open(), Error, "no links can be read");
    assertEquals(copied.mender.takeCalls(), ["examine", "recall"]);
  }
  copied.mender.leases = leases;
  assertEquals(await copied.open(), [["c1", "c2"], ["examine", "recall"]]);
});

Deno.test("openFile: a torn copy is mended, and that is all", async () => {
  await using copied = await CopiedStore.make();
  copied.putCopy();
  copied.mender.seen = "a page makes no sense";
  assertEquals(await copied.open(), [["c1", "c2"], ["examine", "recall"]]);
  assertEquals(await copied.open(), [["c1", "c2"], []]);
});
