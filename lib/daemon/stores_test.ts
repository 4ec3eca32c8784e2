import { assertEquals, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { openStore } from "../store/store.ts";
import { NodeStores } from "./stores.ts";

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
    assertEquals(await stores.all(), { stores: [], unread: [] });
    await (await openStore({ directory, runDirectory }))[Symbol.asyncDispose]();
    await Deno.symlink(directory, `${root}/link`);
    const [one, other] = await Promise.all([stores.all(), stores.all()]);
    assertEquals([one.stores.length, other.stores.length], [1, 1]);
    assertStrictEquals(one.stores[0], other.stores[0]);
    await stores.close();
    const [anew] = (await stores.all()).stores;
    assertEquals([anew?.directory, anew === one.stores[0]], [directory, false]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
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
    const { stores: open, unread } = await stores.all();
    assertEquals(open.map(({ directory }) => directory), [await Deno.realPath(dataDirectory)]);
    assertEquals(unread.length, 1);
    assertStringIncludes(unread[0] ?? "", `${other}/state.kv`);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
