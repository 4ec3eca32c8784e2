import { assertEquals } from "@std/assert";
import { isListed, isNetnsGone, lookForNetns } from "./left_over.ts";

Deno.test("isNetnsGone: only where it could be seen", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  try {
    await Deno.writeTextFile(`${folder}/a`, "");
    await Deno.symlink(`${folder}/nowhere`, `${folder}/dangling`);
    const cases: [path: string, expected: boolean][] = [
      [`${folder}/a`, false],
      [`${folder}/dangling`, false],
      [`${folder}/b`, true],
      [`${folder}/unmounted/b`, false],
      [`${folder}/a/b`, false],
      ["", false],
      ["b", false],
      [`/proc/${Deno.pid}/ns/net`, false],
    ];
    for (const [path, expected] of cases) assertEquals(isNetnsGone(path), expected, path);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("lookForNetns: a process that is gone takes its directory along", () => {
  // Above the largest number of a process: PID_MAX_LIMIT, linux/threads.h.
  const { hasNetns, hasNetnsDirectory } = lookForNetns("/proc/4194305/ns/net");
  assertEquals({ hasNetns, hasNetnsDirectory }, { hasNetns: false, hasNetnsDirectory: false });
});

Deno.test("isListed: by container and interface", () => {
  const valid = [{ containerId: "a", ifname: "eth0" }];
  const key = { network: "pods", containerId: "a", ifname: "eth0" };
  assertEquals(isListed(valid, key), true);
  assertEquals(isListed(valid, { ...key, ifname: "eth1" }), false);
  assertEquals(isListed(valid, { ...key, containerId: "b" }), false);
  assertEquals(isListed([], key), false);
});
