/** Processes that are killed while they have the store, at moments that no system call names. */
import { assert, assertEquals } from "@std/assert";
import { formatAddress } from "../../lib/net/address.ts";
import { listAttachments } from "../../lib/store/attachments.ts";
import { type Lease, listLeases } from "../../lib/store/leases.ts";
import { lockPath } from "../../lib/store/lock.ts";
import { assertConsistent } from "../fakes/consistent_store.ts";
import { makeTemporaryStore, type TemporaryStore } from "../fakes/temporary_store.ts";

const WORKER = new URL("store_worker.ts", import.meta.url).pathname;

Deno.test("store: what was committed outlives a kill between two transactions", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const worker = startWorker(temporary, "add-half", "c1");
  const [said] = await worker.readLines(1);
  await worker.kill();
  const leases = await store.read((reader) => listLeases(reader));
  assertEquals(leases.map(addressesOf), [said]);
  assertEquals(await store.read((reader) => listAttachments(reader)), []);
  await assertConsistent(store);
});

Deno.test("store: a kill within a transaction leaves nothing of it, and no lock", async () => {
  await using temporary = await makeTemporaryStore();
  const { store, options } = temporary;
  const worker = startWorker(temporary, "hold-lock", "c1");
  await worker.readLines(1);
  using lock = Deno.openSync(lockPath(options.runDirectory, store.directory), { write: true });
  assertEquals(lock.tryLockSync(true), false);
  await worker.kill();
  assertEquals(lock.tryLockSync(true), true);
  lock.unlockSync();
  const keys = (await store.read((reader) => reader.list([]))).map(({ key }) => key);
  assertEquals(keys, [["schema"]]);
});

Deno.test("store: every acknowledged lease outlives kills at any moment", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const acknowledged: string[] = [];
  for (let round = 0; round < 6; round++) {
    const worker = startWorker(temporary, "add-many", `r${round}`);
    acknowledged.push(...await worker.readLines(3 + round * 2));
    acknowledged.push(...await worker.kill());
    const leases = await store.read((reader) => listLeases(reader));
    const stored = leases.map(addressesOf);
    for (const said of acknowledged) assert(stored.includes(said), `lost ${said}`);
    // At most one lease a round was committed by a process that could not say so any more.
    assert(stored.length <= acknowledged.length + round + 1, `${stored.length} leases`);
    await assertConsistent(store);
  }
});

/** Addresses as a worker says them. */
function addressesOf(lease: Lease): string {
  return lease.addresses.map(({ address }) => formatAddress(address.address)).join(" ");
}

/** A running worker. */
interface Worker {
  /** Waits for so many lines. */
  readLines(count: number): Promise<string[]>;
  /** Kills it with SIGKILL; answers the lines that it wrote meanwhile. */
  kill(): Promise<string[]>;
}

function startWorker(temporary: TemporaryStore, action: string, id: string): Worker {
  const { directory, runDirectory } = temporary.options;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "-A", "--no-check", WORKER, action, directory, runDirectory, id],
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let text = "";
  const takeLines = (count: number) => {
    const lines = text.split("\n");
    const taken = lines.slice(0, Math.min(count, lines.length - 1));
    text = lines.slice(taken.length).join("\n");
    return taken;
  };
  return {
    async readLines(count) {
      while (text.split("\n").length <= count) {
        const { value, done } = await reader.read();
        assert(!done, "the worker ended by itself");
        text += value;
      }
      return takeLines(count);
    },
    async kill() {
      child.kill("SIGKILL");
      for (let chunk = await reader.read(); !chunk.done; chunk = await reader.read()) {
        text += chunk.value;
      }
      await child.status;
      await child.stdin.close();
      return takeLines(Infinity);
    },
  };
}
