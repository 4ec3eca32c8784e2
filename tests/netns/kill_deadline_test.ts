/** A runtime's deadline: it kills the whole process group while the plugin waits for the lock. */
import { assert, assertEquals } from "@std/assert";
import { killTest } from "../cli/strace.ts";
import { KillNode } from "./kill_node.ts";

for (const verb of ["ADD", "DEL"] as const) {
  killTest(`${verb} bridge: waiting for the lock, it leaves the lock free`, async () => {
    await using node = await KillNode.make({ datapath: "bridge" });
    const living = await node.add("living");
    const snapshot = await node.snapshot();
    if (verb === "DEL") await node.add("victim");
    using lock = Deno.openSync(node.lockFile, { write: true });
    lock.lockSync(true);
    // `sh` is the head of the group, as a runtime's shim is, and says which group it is.
    const shim = ["setsid", "--wait", "sh", "-c", `echo $$ >${node.notesFile}; "$@"; exit`, "sh"];
    const killed = node.call({ verb, pod: "victim", under: shim });
    await untilWaiting(killed, node.lockFile);
    const group = Number(await Deno.readTextFile(node.notesFile));
    Deno.kill(-group, "SIGKILL");
    assertEquals((await killed).stdout, "");
    lock.unlockSync();
    assertEquals(lock.tryLockSync(true), true);
    lock.unlockSync();
    await node.remove({ verb: "DEL", pod: "victim" });
    assertEquals(await node.snapshot(), snapshot);
    await node.assertStored({ living });
    await node.assertReachable("living");
  });
}

/** Returns when the call waits for the lock of a file: an arrow in proc_locks(5). */
async function untilWaiting(call: Promise<unknown>, path: string): Promise<void> {
  let isOver = false;
  call.finally(() => isOver = true);
  const { ino } = await Deno.stat(path);
  const waiting = new RegExp(`-> FLOCK .*:${ino} `);
  while (!waiting.test(await Deno.readTextFile("/proc/locks"))) {
    assert(!isOver, "the call did not wait for the lock");
  }
}
