import { assertEquals, assertRejects, assertThrows } from "@std/assert";
import { StoreError } from "../errors.ts";
import { damage } from "./failure.ts";
import {
  type HeldLock,
  listLockedStores,
  type LockMode,
  lockPath,
  lockWithin,
  openLocked,
  withLock,
} from "./lock.ts";

Deno.test("lockPath: names a file for each store that can be read back", async () => {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  const runDirectory = `${root}/run`;
  const stores = [`${root}/a%2Fb`, `${root}/a/b`, `${root}/\u00e9`];
  for (const folder of [runDirectory, ...stores]) Deno.mkdirSync(folder, { recursive: true });
  for (const store of [...stores, `${root}/gone`]) {
    Deno.writeTextFileSync(lockPath(runDirectory, store), "");
  }
  for (const other of ["status.sock", "headcni.lock", "%zz.lock", "%2F%zz.lock", "%2F%FF.lock"]) {
    Deno.writeTextFileSync(`${runDirectory}/${other}`, "");
  }
  assertEquals(listLockedStores(runDirectory), stores);
  await Deno.remove(root, { recursive: true });
});

Deno.test("lockPath: refuses a path that is too long to be a file name", () => {
  assertThrows(() => lockPath("/run/headcni", `/${"x".repeat(250)}`), StoreError, "too long");
});

Deno.test("withLock: lets readers in together, and writers alone", async () => {
  using temporary = makeLockFile();
  const { path } = temporary;
  const lock = { path, timeoutMs: 10_000 };
  const seen: string[] = [];
  await withLock(lock, "shared", () =>
    withLock(lock, "shared", async () => {
      const writer = withLock(lock, "exclusive", () => Promise.resolve(seen.push("writer")));
      await withLock(lock, "shared", () => Promise.resolve(seen.push("reader")));
      return { writer };
    })).then(({ writer }) => writer);
  assertEquals(seen, ["reader", "writer"]);
});

Deno.test("lockWithin: a lock that is not to be had in time is given back", async () => {
  using temporary = makeLockFile();
  const { path } = temporary;
  const open = () => Deno.openSync(path, { read: true, write: true });
  using holder = open();
  assertEquals(await lockWithin(holder, "exclusive", 10_000), true);
  assertEquals(await lockWithin(open(), "shared", 1), false);
  await holder.unlock();
  using next = open();
  assertEquals(await lockWithin(next, "exclusive", 10_000), true);
});

Deno.test("withLock: who waited for a file that was replaced waits for the new one", async () => {
  using temporary = makeLockFile();
  const { path } = temporary;
  const open = () => Deno.openSync(path, { create: true, read: true, write: true });
  const old = open();
  old.lockSync(true);
  const waiting = withLock({ path, timeoutMs: 100 }, "exclusive", () => Promise.resolve());
  Deno.removeSync(path);
  using current = open();
  current.lockSync(true);
  old.close();
  const error = await assertRejects(() => waiting, StoreError, "another process held it");
  assertEquals(error.reason, "try-again");
});

Deno.test("openLocked: does not begin again for longer than it may take", async () => {
  using temporary = makeLockFile();
  const { path } = temporary;
  const open = () => {
    Deno.writeTextFileSync(`${path}.next`, "");
    const file = Deno.openSync(path);
    Deno.renameSync(`${path}.next`, path);
    return file;
  };
  assertEquals(await openLocked(path, open, "exclusive", 5), undefined);
});

Deno.test("withLock: tells of a writer that was killed, of damage, and of a boot", async () => {
  using temporary = makeLockFile();
  const { path } = temporary;
  const lock = { path, timeoutMs: 10_000 };
  /** Whether the lock was found suspect; what was done leaves it to the next. */
  const hold = (mode: LockMode, fn: (held: HeldLock) => void = () => {}) =>
    withLock(lock, mode, (held) => {
      const found = held.isSuspect;
      fn(held);
      return Promise.resolve(found);
    });
  const trust = (held: HeldLock) => void (held.isSuspect = false);
  const findDamage = () => {
    throw damage("Cannot read the store: noise");
  };
  assertEquals(await hold("exclusive"), true, "a new file is not trusted");
  assertEquals(await hold("exclusive", trust), true, "nobody has trusted it");
  assertEquals(await hold("exclusive"), false);
  assertEquals(await hold("shared"), false);
  await assertRejects(() => hold("shared", findDamage), StoreError, "noise");
  assertEquals(await hold("shared", trust), true, "a reader found damage");
  assertEquals(await hold("exclusive", trust), true, "a reader cannot take the mark away");
  await assertRejects(() => hold("exclusive", findDamage), StoreError, "noise");
  assertEquals(await hold("exclusive", trust), true, "a writer found damage");
  await assertRejects(() =>
    hold("exclusive", () => {
      throw new Error("no address is free");
    })
  );
  assertEquals(await hold("shared"), false, "another failure is no damage");
  await hold("exclusive", () => assertEquals(Deno.readFileSync(path), new Uint8Array([1])));
  assertEquals(Deno.readFileSync(path), new Uint8Array([0]));
});

Deno.test("withLock: keeps what an exclusive holder says of the file, however the hold ends", async () => {
  using temporary = makeLockFile();
  const { path } = temporary;
  const hold = (mode: LockMode, identity: string | undefined, error?: Error) =>
    withLock({ path, timeoutMs: 10_000 }, mode, (held) => {
      const found = held.identity;
      held.identity = identity;
      return error ? Promise.reject(error) : Promise.resolve(found);
    });
  assertEquals(await hold("exclusive", "65024 9978023 1795217968729"), undefined);
  assertEquals(await hold("shared", "a reader's"), "65024 9978023 1795217968729");
  await assertRejects(() => hold("exclusive", "1 2 3", new Error("no space")), Error, "no space");
  assertEquals(await hold("exclusive", undefined), "1 2 3");
  assertEquals(await hold("exclusive", undefined), undefined);
});

/** A lock file that nobody has held yet; disposing of it removes it, whatever became of the test. */
function makeLockFile(): { readonly path: string } & Disposable {
  const directory = Deno.makeTempDirSync({ prefix: "hct" });
  const path = `${directory}/lock`;
  Deno.writeTextFileSync(path, "");
  return { path, [Symbol.dispose]: () => Deno.removeSync(directory, { recursive: true }) };
}
