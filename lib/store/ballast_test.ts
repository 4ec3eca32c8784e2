import { assert, assertEquals, assertRejects } from "@std/assert";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { StoreError } from "../errors.ts";
import { Ballast } from "./ballast.ts";
import { readCounters } from "./counters.ts";
import { storeFailure } from "./failure.ts";
import { openExistingStore, openStore } from "./store.ts";

const BYTES = 256 * 1024;

Deno.test("Ballast.restore: makes what is missing or cut off, and leaves the rest alone", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hct" });
  const path = `${directory}/ballast`;
  const ballast = new Ballast(directory, false);
  ballast.restore();
  const first = Deno.readFileSync(path);
  assertEquals([first.length, Deno.statSync(path).mode], [BYTES, 0o100600]);
  assert(new Set(first).size > 200, "what compresses keeps no space");
  ballast.restore();
  assertEquals(Deno.readFileSync(path), first);
  Deno.truncateSync(path, 10);
  ballast.restore();
  assertEquals(Deno.statSync(path).size, BYTES);
  await Deno.remove(directory, { recursive: true });
  ballast.restore(); // nowhere to put it: no fault
});

Deno.test("Ballast.relieve: gives the ballast up once, for who may, on a full disk alone", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hct" });
  const path = `${directory}/ballast`;
  const full = storeFailure("write", directory, new Error("database or disk is full"));
  const malformed = storeFailure("write", directory, new Error("file is not a database"));
  /** How often a work that fails is tried. */
  const attempts = async (ballast: Ballast, error: StoreError) => {
    let count = 0;
    await assertRejects(() =>
      ballast.relieve(() => {
        count += 1;
        return Promise.reject(error);
      }), StoreError);
    return count;
  };
  const forAdd = new Ballast(directory, false);
  const forDel = new Ballast(directory, true);
  forAdd.restore();
  assertEquals(await attempts(forAdd, full), 1);
  assertEquals(await attempts(forDel, malformed), 1);
  assertEquals([Deno.statSync(path).size, forDel.takeEvent()], [BYTES, false]);
  assertEquals(await attempts(forDel, full), 2);
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  assertEquals([forDel.takeEvent(), forDel.takeEvent()], [true, false]);
  assertEquals(await attempts(forDel, full), 1);
  assertEquals(await forDel.relieve(() => Promise.resolve("done")), "done");
  await Deno.remove(directory, { recursive: true });
});

Deno.test("openStore: keeps ballast for those who may use it, who make none", async () => {
  await using temporary = await makeTemporaryStore();
  const { options } = temporary;
  const path = `${options.directory}/ballast`;
  assertEquals(Deno.statSync(path).size, BYTES);
  Deno.removeSync(path);
  await using _del = await openExistingStore({ ...options, mayUseBallast: true });
  await using _gc = await openStore({ ...options, mayUseBallast: true });
  await using _check = await openExistingStore(options);
  await assertRejects(() => Deno.stat(path), Deno.errors.NotFound);
  await using add = await openStore(options);
  assertEquals(Deno.statSync(path).size, BYTES);
  assertEquals(await add.read(readCounters), []);
});
