import { assertEquals } from "@std/assert";
import { assertConsistent } from "../../tests/fakes/consistent_store.ts";
import { keyOf, leaseOf } from "../../tests/fakes/lease.ts";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { parseAddress } from "../net/address.ts";
import { type Attachment, listAttachments } from "./attachments.ts";
import { readCounters } from "./counters.ts";
import { listCursors } from "./cursors.ts";
import { addressKey, leaseKey, networkKey } from "./keys.ts";
import { restoreLease } from "./leases.ts";
import { listNetworks } from "./networks.ts";
import { listPorts } from "./ports.ts";
import { listResting } from "./resting.ts";
import { formatEntry, type OtherRecords, parseSalvage, stepsToRestore } from "./salvage.ts";
import { listSticky } from "./sticky.ts";
import type { Store } from "./store.ts";
import type { StoreReader } from "./transaction.ts";

const ATTACHMENT: Attachment = {
  ...{ key: keyOf("c1"), phase: "added", pod: {}, netns: "/n", bootId: "b", createdMs: 1 },
  config: { name: "pods", nested: [1, null, "x"] },
};

const OTHERS: OtherRecords = {
  attachments: [ATTACHMENT],
  networks: [{ network: "pods", ipam: { subnet: "10.0.0.0/24" } }],
  cursors: [{ network: "pods", pool: "default", rangeSet: 0, address: parseAddress("10.0.0.9") }],
  resting: [{
    ...{ network: "pods", address: parseAddress("fd00::3"), untilUptimeMs: 5.5, bootId: "b" },
    last: { key: keyOf("c3"), pod: { name: "web-0" } },
  }],
  ports: [{
    port: {
      ...{ protocol: "tcp", hostPort: 80, hostIp: undefined, targetPort: 8080 },
      target: parseAddress("fd00::5"),
    },
    owner: keyOf("c1"),
  }],
  sticky: [{
    ...{ network: "pods", namespace: "shop", name: "db-0", ifname: "eth0" },
    addresses: [parseAddress("10.0.0.7")],
  }],
  counters: [{ metric: "errors", labels: ["pods", "internal"], value: 7n }],
};

/** Puts two leases and the others into a store. */
async function fill(store: Store): Promise<void> {
  await store.write(async (tx) => {
    for (const [id, address] of [["c1", "10.0.0.1/24"], ["c2", "10.0.0.2/24"]] as const) {
      await restoreLease(tx, leaseOf(id, address));
    }
  });
  await store.write(async (tx) => {
    for (const step of stepsToRestore(OTHERS)) await step(tx);
  });
}

async function listOthers(reader: StoreReader): Promise<OtherRecords> {
  const isOurs = ({ metric }: { metric: string }) => metric === "errors";
  return {
    attachments: await listAttachments(reader),
    networks: await listNetworks(reader),
    cursors: await listCursors(reader),
    resting: await listResting(reader),
    sticky: await listSticky(reader),
    ports: await listPorts(reader),
    counters: (await readCounters(reader)).filter(isOurs),
  };
}

Deno.test("stepsToRestore: puts all back as it was, beside the leases", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await fill(store);
  await assertConsistent(store);
  assertEquals(await store.read(listOthers), OTHERS);
  await store.write(async (tx) => {
    for (const step of stepsToRestore({ ...OTHERS, resting: [] })) await step(tx);
  });
  assertEquals((await store.read(listOthers)).counters[0]?.value, 14n);
});

Deno.test("parseSalvage: reads every entry as it was, whatever the others are", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  await fill(store);
  await store.write((tx) => {
    tx.set(leaseKey(keyOf("broken")), "noise");
    tx.set(networkKey("broken"), "{");
    tx.set(addressKey("pods", parseAddress("10.0.0.4")), { ...keyOf("owner") });
    tx.set(["resting", "pods"], 5);
  });
  const entries = await store.read((reader) => reader.list([]));
  const lines = ["noise", "{}", ...entries.map(formatEntry), '{"key":["lease","pods"'];
  const { leases, others, lost } = await parseSalvage(lines);
  assertEquals(leases, [leaseOf("c1", "10.0.0.1/24"), leaseOf("c2", "10.0.0.2/24")]);
  const isOurs = ({ metric }: { metric: string }) => metric === "errors";
  assertEquals({ ...others, counters: others.counters.filter(isOurs) }, OTHERS);
  assertEquals(lost, [keyOf("owner"), keyOf("broken")]);
});

Deno.test("formatEntry: a value that JSON has no place for is one that nobody can read", () => {
  const cycle: unknown[] = [];
  cycle.push(cycle);
  for (const value of [cycle, 7n]) {
    assertEquals(formatEntry({ key: ["x"], value }), '{"key":["x"],"value":null}');
  }
});
