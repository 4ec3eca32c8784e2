/** Processes whose lock somebody deletes: some must try again, and none loses or doubles anything. */
import { assert, assertEquals } from "@std/assert";
import { formatAddress } from "../../lib/net/address.ts";
import { listLeases } from "../../lib/store/leases.ts";
import { assertConsistent } from "../fakes/consistent_store.ts";
import { makeTemporaryStore, type TemporaryStore } from "../fakes/temporary_store.ts";

const WORKER = new URL("store_worker.ts", import.meta.url).pathname;
const WORKERS = 6;

Deno.test("store: nothing is lost or doubled when the lock file is deleted again and again", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const ids = Array.from({ length: WORKERS }, (_, index) => `w${index}`);
  const said = (await Promise.all(ids.map((id) => runWorker(temporary, id)))).flat();
  const leases = await store.read((reader) => listLeases(reader));
  const stored = leases.map(({ addresses }) =>
    addresses.map(({ address }) => formatAddress(address.address)).join(" ")
  );
  assert(said.length > WORKERS, `${said.length} leases`);
  assertEquals(said.toSorted(), stored.toSorted());
  assertEquals(new Set(stored).size, stored.length);
  await assertConsistent(store);
});

/** Answers the leases that a worker was given, as it says them. */
async function runWorker({ options }: TemporaryStore, id: string): Promise<string[]> {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      ...["run", "-A", "--no-check", WORKER],
      ...["add-anew", options.directory, options.runDirectory, id],
    ],
  }).output();
  assertEquals(code, 0, new TextDecoder().decode(stderr));
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}
