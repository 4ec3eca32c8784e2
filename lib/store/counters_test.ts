import { assertEquals, assertRejects } from "@std/assert";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { StoreError } from "../errors.ts";
import { readCounters, restoreCounter } from "./counters.ts";
import { counterKey } from "./keys.ts";

Deno.test("readCounters: tells the sums of all commits, and of none that failed", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await store.write((tx) => tx.count("allocations", "pods", "default"));
  await store.write((tx) => {
    tx.count("allocations", "pods", "default");
    tx.count("allocations", "pods", "default");
    tx.count("ballast");
  });
  await store.write((tx) => {
    tx.count("ballast");
    throw new Error("no");
  }).catch(() => {});
  assertEquals(await store.read(readCounters), [
    { metric: "allocations", labels: ["pods", "default"], value: 3n },
    { metric: "ballast", labels: [], value: 1n },
  ]);
});

Deno.test("readCounters: one that is no number is damage", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await store.write((tx) => tx.set(counterKey("ballast"), "three"));
  const error = await assertRejects(() => store.read(readCounters), StoreError, '"ballast"');
  assertEquals(error.reason, "store-damaged");
});

Deno.test("restoreCounter: adds, and goes round at 64 bits as the KV does", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  const counter = { metric: "ballast", labels: [] };
  for (const value of [5n, 2n ** 64n - 2n]) {
    await store.write((tx) => restoreCounter(tx, { ...counter, value }));
  }
  assertEquals(await store.read(readCounters), [{ ...counter, value: 3n }]);
});
