import { assertEquals } from "@std/assert";
import { lockPath } from "./lock.ts";
import { removeStore } from "./remove.ts";

Deno.test("removeStore: its own files go, others stay, and an absent one is no fault", async () => {
  const root = await Deno.makeTempDir({ prefix: "hct" });
  const [directory, runDirectory] = [`${root}/data`, `${root}/run`];
  try {
    await Deno.mkdir(directory);
    await Deno.mkdir(runDirectory);
    const ours = [
      "ballast",
      "state.kv",
      "state.kv-shm",
      "state.kv-wal",
      "state.kv.damaged-then-wal",
    ];
    const others = ["ballast.old", "my-state.kv", "pod-cidr.json", "state.kvm"];
    for (const name of [...ours, ...others]) await Deno.writeTextFile(`${directory}/${name}`, "");
    const lock = lockPath(runDirectory, directory);
    await Deno.writeTextFile(lock, "");
    await Deno.writeTextFile(`${runDirectory}/daemon.lock`, "");
    assertEquals(removeStore(directory, runDirectory), [
      ...ours.map((name) => `${directory}/${name}`),
      lock,
    ]);
    const left = [...Deno.readDirSync(directory), ...Deno.readDirSync(runDirectory)];
    assertEquals(left.map(({ name }) => name).toSorted(), [...others, "daemon.lock"].toSorted());
    assertEquals(removeStore(directory, runDirectory), []);
    assertEquals(removeStore(`${root}/none`, runDirectory), []);
  } finally {
    await Deno.remove(root, { recursive: true });
  }
});
