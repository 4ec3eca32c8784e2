import { assertEquals, assertStrictEquals } from "@std/assert";
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
    assertEquals(await stores.all(), []);
    await (await openStore({ directory, runDirectory }))[Symbol.asyncDispose]();
    await Deno.symlink(directory, `${root}/link`);
    const [one = [], other = []] = await Promise.all([stores.all(), stores.all()]);
    assertEquals([one.length, other.length], [1, 1]);
    assertStrictEquals(one[0], other[0]);
    await stores.close();
    const [anew] = await stores.all();
    assertEquals([anew?.directory, anew === one[0]], [directory, false]);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
