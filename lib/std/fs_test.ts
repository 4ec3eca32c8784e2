import { assert, assertEquals, assertRejects } from "@std/assert";
import { ensureDir, exists } from "@std/fs";
import { join } from "@std/path";

/** Runs `body` in a directory of its own. */
async function inTempDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

Deno.test("exists: follows symlinks and asks for the kind", () =>
  inTempDir(async (dir) => {
    const [file, link, dangling] = ["file", "link", "dangling"].map((name) => join(dir, name));
    assert(file && link && dangling);
    await Deno.writeTextFile(file, "");
    await Deno.symlink(dir, link);
    await Deno.symlink(join(dir, "gone"), dangling);
    assertEquals(await exists(file), true);
    assertEquals(await exists(file, { isFile: true }), true);
    assertEquals(await exists(file, { isDirectory: true }), false);
    assertEquals(await exists(link, { isDirectory: true }), true);
    assertEquals(await exists(link, { isFile: true }), false);
    assertEquals(await exists(dangling), false);
    await assertRejects(() => exists(file, { isFile: true, isDirectory: true }), TypeError);
  }));

Deno.test("ensureDir: makes parents, accepts a directory, refuses a file", () =>
  inTempDir(async (dir) => {
    const deep = join(dir, "a", "b");
    await ensureDir(deep);
    await ensureDir(deep);
    assertEquals(await exists(deep, { isDirectory: true }), true);
    const file = join(dir, "file");
    await Deno.writeTextFile(file, "");
    await assertRejects(() => ensureDir(file), Error, "a file has that name");
  }));
