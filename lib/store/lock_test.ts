import { assertEquals, assertThrows } from "@std/assert";
import { StoreError } from "../errors.ts";
import { listLockedStores, lockPath, withLock } from "./lock.ts";

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
  const path = await Deno.makeTempFile({ prefix: "hct" });
  const lock = { path, timeoutMs: 10_000 };
  const seen: string[] = [];
  await withLock(lock, "shared", () =>
    withLock(lock, "shared", async () => {
      const writer = withLock(lock, "exclusive", () => Promise.resolve(seen.push("writer")));
      await withLock(lock, "shared", () => Promise.resolve(seen.push("reader")));
      return { writer };
    })).then(({ writer }) => writer);
  assertEquals(seen, ["reader", "writer"]);
  await Deno.remove(path);
});
