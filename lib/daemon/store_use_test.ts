import { assertEquals } from "@std/assert";
import { leaseOf } from "../../tests/fakes/lease.ts";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { restoreLease } from "../store/leases.ts";
import { stageNetwork } from "../store/networks.ts";
import { appendSpool } from "../store/spool.ts";
import type { Store } from "../store/store.ts";
import { readStoreUse } from "./store_use.ts";

/** An `ipam` section, and how many leases there are addresses for. */
const CAPACITIES: readonly [Record<string, unknown>, number | undefined][] = [
  [{ subnet: "10.0.0.0/24" }, 253],
  [{ ranges: [[{ subnet: "10.0.0.0/24" }], [{ subnet: "fd00::/64" }]] }, 253],
  [{ ranges: [[{ subnet: "10.0.0.0/24" }, { subnet: "10.0.1.0/24" }]] }, 506],
  [{ subnet: "10.0.0.0/24", exclude: ["10.0.0.128/25"] }, 126],
  [{ subnet: "10.0.0.0/24", pools: [{ name: "a", subnet: "10.0.1.0/29" }] }, 258],
  [{ subnet: "10.0.0.0/24", pools: [{ name: "a", subnet: "10.0.0.0/25" }] }, 253],
  [{ subnet: "of another release" }, undefined],
];

Deno.test("readStoreUse: leases of each network, and how many there can be", async () => {
  for (const [ipam, capacity] of CAPACITIES) {
    await using temporary = await makeTemporaryStore();
    const { store } = temporary;
    assertEquals(await readStoreUse([store]), { counters: [], networks: [] });
    await keep(store, ipam);
    assertEquals((await readStoreUse([store])).networks, [
      { network: "pods", leases: 0, capacity },
    ]);
    await store.write((tx) => restoreLease(tx, leaseOf("c1", "10.0.0.2/24")));
    assertEquals((await readStoreUse([store])).networks, [
      { network: "pods", leases: 1, capacity },
    ]);
  }
});

Deno.test("readStoreUse: what several stores have under one name is summed", async () => {
  await using one = await makeTemporaryStore();
  await using other = await makeTemporaryStore();
  for (const { store } of [one, other]) {
    await store.write((tx) => restoreLease(tx, leaseOf("c1", "10.0.0.2/24")));
  }
  await keep(one.store, { subnet: "10.0.0.0/24" });
  const stores = [one.store, other.store];
  const counters = [{ metric: "restored", labels: ["pods"], value: 2n }];
  assertEquals(await readStoreUse(stores), {
    counters,
    networks: [{ network: "pods", leases: 2, capacity: undefined }],
  });
  await keep(other.store, { subnet: "10.0.0.0/29" });
  assertEquals((await readStoreUse(stores)).networks, [
    { network: "pods", leases: 2, capacity: 258 },
  ]);
});

Deno.test("readStoreUse: counts failures on a node where nothing succeeds", async () => {
  await using temporary = await makeTemporaryStore();
  const { store, options: { runDirectory } } = temporary;
  await appendSpool(runDirectory, store.directory, { count: ["errors", "pods", "pool-exhausted"] });
  const { counters } = await readStoreUse([store]);
  assertEquals(counters, [{ metric: "errors", labels: ["pods", "pool-exhausted"], value: 1n }]);
});

function keep(store: Store, ipam: unknown): Promise<void> {
  return store.write((tx) => stageNetwork(tx, { network: "pods", ipam }, undefined));
}
