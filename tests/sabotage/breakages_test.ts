/** What the slow sabotage test would find last: breakages of lines that are no longer there. */
import { assertEquals } from "@std/assert";
import { BREAKAGES } from "./breakages.ts";

const ROOT = new URL("../../", import.meta.url);

Deno.test("BREAKAGES: each has its line once, and its test's file", async () => {
  const stale: string[] = [];
  for (const { file, text, testFile } of BREAKAGES) {
    const count = (await Deno.readTextFile(new URL(file, ROOT))).split(text).length - 1;
    if (count !== 1) stale.push(`${file} has ${count} times: ${text}`);
    await Deno.stat(new URL(testFile, ROOT));
  }
  assertEquals(stale, []);
});
