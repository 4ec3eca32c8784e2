import { assert, assertEquals, assertRejects } from "@std/assert";
import { overwritePage, PAGE_BYTES } from "../../tests/fakes/damages.ts";
import { seededRandom } from "../../tests/fakes/seeded_random.ts";
import type { StoreEntry } from "../../lib/store/transaction.ts";
import { readEntries } from "./entries.ts";

const ROWS = 200;

/** A closed KV of one's own; disposing of it removes it. */
async function makeKvFile(entries: readonly StoreEntry[]) {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  const path = `${root}/kv`;
  using kv = await Deno.openKv(path);
  for (const { key, value } of entries) await kv.set(key, value);
  return {
    path,
    [Symbol.asyncDispose]: () => Deno.remove(root, { recursive: true }),
  };
}

async function read(path: string, ...prefixes: readonly string[]): Promise<StoreEntry[]> {
  const entries: StoreEntry[] = [];
  await readEntries(path, prefixes, (entry) => entries.push(entry));
  return entries;
}

Deno.test("readEntries: reads keys and values as Deno KV wrote them", async () => {
  const entries: readonly StoreEntry[] = [
    { key: ["a", new Uint8Array([0, 1, 0, 255])], value: new Uint8Array([7, 0]) },
    { key: ["a", "x\0y", "\u20ac"], value: { a: [1, "b", null], c: { d: true } } },
    { key: ["a", -1.5], value: "text" },
    { key: ["a", 0], value: new Deno.KvU64(2n ** 63n + 1n) },
    { key: ["a", 3_600_000.25], value: 1 },
  ];
  const others = [{ key: ["a0"], value: 1 }, { key: ["b", "c"], value: 2 }];
  await using file = await makeKvFile([...entries, ...others]);
  assertEquals(await read(file.path, "a"), entries);
  assertEquals(await read(file.path, "b", "c"), others.slice(1));
});

Deno.test("readEntries: a noisy page costs only what is in it and below it", async () => {
  const value = "v".repeat(100);
  const entries = Array.from({ length: ROWS }, (_, row) => ({ key: ["a", row], value }));
  await using file = await makeKvFile(entries);
  const { random } = seededRandom();
  const whole = Deno.readFileSync(file.path);
  let [damaged, kept] = [0, 0];
  for (let page = 1; page < whole.length / PAGE_BYTES; page++) {
    Deno.writeFileSync(file.path, whole);
    overwritePage(file.path, page, random);
    const found = await read(file.path, "a");
    assertEquals(new Set(found.map(({ key }) => key[1])).size, found.length);
    if (found.length === ROWS) continue;
    damaged += 1;
    if (found.length > ROWS - 40) kept += 1;
  }
  // The page above all others is one of these.
  assert(damaged > 5 && kept >= damaged - 1, `${damaged} pages matter, ${kept} cost little`);
});

Deno.test("readEntries: a file that is no database is told", async () => {
  await using file = await makeKvFile([]);
  Deno.writeTextFileSync(file.path, "noise".repeat(5_000));
  await assertRejects(() => read(file.path, "a"), Error, "file is not a database");
});
