import { assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { listLeases } from "../store/leases.ts";
import { openStore } from "../store/store.ts";
import { NodeStores, type OpenStores } from "./stores.ts";

function all(stores: NodeStores): Promise<OpenStores> {
  return stores.use((open) => Promise.resolve(open));
}

Deno.test("NodeStores: two that ask at once get the same store, by whatever path", async () => {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const [directory, runDirectory] = [`${root}/data`, `${root}/run`];
    await Deno.mkdir(runDirectory);
    await using stores = new NodeStores({
      runDirectory,
      dataDirectory: `${root}/link`,
      self: ["/nonexistent"],
    });
    assertEquals(await all(stores), { stores: [], unread: [] });
    await (await openStore({ directory, runDirectory }))[Symbol.asyncDispose]();
    await Deno.symlink(directory, `${root}/link`);
    const [one, other] = await Promise.all([all(stores), all(stores)]);
    assertEquals([one.stores.length, other.stores.length], [1, 1]);
    assertStrictEquals(one.stores[0], other.stores[0]);
    assertEquals(one.stores[0]?.directory, directory);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});

Deno.test("NodeStores: after a failure all are opened anew, once nobody uses them", async () => {
  await using temporary = await makeTemporaryStore();
  const { directory: dataDirectory, runDirectory } = temporary.options;
  await using stores = new NodeStores({ runDirectory, dataDirectory, self: ["/nonexistent"] });
  const [first] = (await all(stores)).stores;
  await stores.use(async (open) => {
    await assertRejects(() => stores.use(() => Promise.reject(new Error("replaced"))), Error);
    assertStrictEquals(open.stores[0], first);
    await open.stores[0]?.read((reader) => listLeases(reader));
  });
  const [anew] = (await all(stores)).stores;
  assertEquals([anew?.directory, anew === first], [first?.directory, false]);
});

Deno.test("NodeStores: one that cannot be read is told, and in the way of no other", async () => {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const [dataDirectory, other, runDirectory] = [`${root}/data`, `${root}/other`, `${root}/run`];
    for (const directory of [dataDirectory, other]) {
      await (await openStore({ directory, runDirectory }))[Symbol.asyncDispose]();
    }
    await Deno.remove(`${other}/state.kv`);
    await Deno.mkdir(`${other}/state.kv`);
    await using stores = new NodeStores({ runDirectory, dataDirectory, self: ["/nonexistent"] });
    const { stores: open, unread } = await all(stores);
    assertEquals(open.map(({ directory }) => directory), [await Deno.realPath(dataDirectory)]);
    assertEquals(unread.length, 1);
    assertStringIncludes(unread[0] ?? "", `${other}/state.kv`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
