import { assertEquals } from "@std/assert";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { readCounters } from "./counters.ts";

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
