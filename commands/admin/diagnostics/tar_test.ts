import { assertEquals } from "@std/assert";
import { run } from "../../../tests/netns/namespace.ts";
import { formatTar } from "./tar.ts";

Deno.test("formatTar: tar(1) reads it: names, times, and data of any length", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const data = [0, 1, 511, 512, 513].map((length) => new Uint8Array(length).fill(0x61));
    const files = data.map((each) => ({ name: `a/${each.length}.txt`, data: each }));
    await Deno.writeFile(`${folder}/x.tar`, formatTar(files, Date.UTC(2026, 0, 31)));
    await run("tar", "-C", folder, "-xf", `${folder}/x.tar`);
    for (const { name, data } of files) {
      assertEquals(await Deno.readFile(`${folder}/${name}`), data);
      const { mode, mtime } = await Deno.stat(`${folder}/${name}`);
      assertEquals([(mode ?? 0) & 0o777, mtime?.getTime()], [0o600, Date.UTC(2026, 0, 31)]);
    }
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
