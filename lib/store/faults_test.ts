import { assertEquals } from "@std/assert";
import { keyOf, leaseOf } from "../../tests/fakes/lease.ts";
import { makeTemporaryStore } from "../../tests/fakes/temporary_store.ts";
import { type Address, parseAddress } from "../net/address.ts";
import type { HostPort } from "../net/host_port.ts";
import { stageUse } from "./blocks.ts";
import { findFaults } from "./faults.ts";
import { addressKey, blockKey, leaseKey, recordKey, restingKey, takenKey } from "./keys.ts";
import { releaseLease, restoreLease } from "./leases.ts";
import { claimPorts } from "./ports.ts";
import { stageTaken } from "./taken_ports.ts";
import type { StoreTransaction } from "./transaction.ts";

const FIRST = parseAddress("10.0.0.1");
const PAGE = { level: 0, first: parseAddress("10.0.0.0") };

const PORT: HostPort = {
  ...{ protocol: "tcp", hostPort: 80, hostIp: undefined, target: FIRST, targetPort: 8080 },
};

const REST = { bootId: "b", last: { key: keyOf("c9"), pod: {} } };

/** What is done to a store with c1 at 10.0.0.1 and fd00::1, c2 at 10.0.0.2, and 10.0.0.3 resting. */
const faults: readonly [
  name: string,
  harm: (tx: StoreTransaction) => unknown,
  seen: readonly string[],
][] = [
  ["nothing", () => {}, []],
  ["a lease without an owner", (tx) => tx.delete(addressKey("pods", FIRST)), [
    '10.0.0.1 of network "pods" is of "pods/c1/eth0": only the lease says so',
  ]],
  ["an owner without a lease", (tx) => tx.delete(leaseKey(keyOf("c2"))), [
    '10.0.0.2 of network "pods" is of "pods/c2/eth0": no lease says so',
    '10.0.0.2 of network "pods" is marked as used, but is free',
  ]],
  ["another owner", (tx) => tx.set(addressKey("pods", FIRST), { ...keyOf("c2") }), [
    '10.0.0.1 of network "pods" is of "pods/c1/eth0": only the lease says so',
    '10.0.0.1 of network "pods" is of "pods/c2/eth0": no lease says so',
  ]],
  ["two leases of an address", copyLease, [
    '10.0.0.2 of network "pods" is leased twice, or rests while it is leased',
    '10.0.0.2 of network "pods" is of "pods/c9/eth0": only the lease says so',
  ]],
  ["a used address that is not marked", (tx) => stageUse(tx, "pods", FIRST, "free"), [
    '10.0.0.1 of network "pods" is marked as free, but is used',
  ]],
  ["a mark of an address that nobody has", (tx) => stageUse(tx, "pods", at(77), "used"), [
    '10.0.0.77 of network "pods" is marked as used, but is free',
  ]],
  ["a rest that nobody will end", (tx) => stageUse(tx, "pods", at(78), "resting"), [
    '10.0.0.78 of network "pods" is marked as resting, but is free',
  ]],
  ["a rest that is not marked", (tx) => tx.set(restingKey("pods", 5, at(79)), REST), [
    '10.0.0.79 of network "pods" is marked as free, but is resting',
  ]],
  ["a leased address that rests", (tx) => tx.set(restingKey("pods", 5, FIRST), REST), [
    '10.0.0.1 of network "pods" is leased twice, or rests while it is leased',
  ]],
  ["a page that is gone", (tx) => tx.delete(blockKey("pods", PAGE)), [
    '10.0.0.1 of network "pods" is marked as free, but is used',
    '10.0.0.2 of network "pods" is marked as free, but is used',
    '10.0.0.3 of network "pods" is marked as free, but is resting',
  ]],
  ["a summary of nothing", (tx) => tx.set(summaryKey(), new Uint8Array(512).fill(1)), [
    'the summary of level 1 from 10.0.0.0 of network "pods" does not tell which blocks below it ' +
    "are full",
  ]],
  ["a page of another length", (tx) => tx.set(blockKey("pods", PAGE), new Uint8Array(3)), [
    'Cannot read the store: a block of network "pods"',
  ]],
  ["a lease that nobody can read", (tx) => tx.set(leaseKey(keyOf("c3")), { pool: "x" }), [
    'Cannot read the store: Cannot use lease "pods/c3/eth0"',
  ]],
  ["a record that nobody can read", (tx) => tx.set(recordKey(keyOf("c1")), 7), [
    'Cannot read the store: Cannot use attachment "pods/c1/eth0"',
  ]],
  ["a host port that is not marked", (tx) => stageTaken(tx, [PORT], "free"), [
    'host port "tcp 80 -> 10.0.0.1:8080" is of "pods/c1/eth0", but not marked as taken',
  ]],
  ["marks of another length", (tx) => tx.set(takenKey("tcp", 4, 0), new Uint8Array(3)), [
    'Cannot read the store: Cannot use host ports "taken,tcp,4,0"',
  ]],
  ["a key that nobody can read", (tx) => tx.set(["address", "pods", "10.0.0.1"], {}), [
    "Cannot read the store: Cannot use key of an owner",
  ]],
];

for (const [name, harm, seen] of faults) {
  Deno.test(`findFaults: ${name}`, async () => {
    await using temporary = await makeTemporaryStore();
    const { store } = temporary;
    await store.write(async (tx) => {
      await restoreLease(tx, leaseOf("c1", "10.0.0.1/24", "fd00::1/64"));
      await restoreLease(tx, leaseOf("c2", "10.0.0.2/24"));
      await restoreLease(tx, leaseOf("c3", "10.0.0.3/24"));
      await claimPorts(tx, keyOf("c1"), [PORT]);
    });
    await store.write((tx) => releaseLease(tx, keyOf("c3"), { bootId: "b", uptimeMs: 0 }));
    await store.write(async (tx) => void await harm(tx));
    const found = await store.read(findFaults);
    assertEquals(found.map((text, index) => text.slice(0, seen[index]?.length)), seen);
  });
}

Deno.test("findFaults: a full page is told by its summary", async () => {
  await using temporary = await makeTemporaryStore();
  const { store } = temporary;
  for (let first = 0; first < 4_096; first += 32) {
    await store.write(async (tx) => {
      for (let offset = first; offset < first + 32; offset++) {
        await restoreLease(tx, leaseOf(`c${offset}`, `10.0.${offset >> 8}.${offset & 255}/16`));
      }
    });
  }
  assertEquals(await store.read(findFaults), []);
  await store.write((tx) => tx.delete(summaryKey()));
  assertEquals((await store.read(findFaults)).length, 1);
});

async function copyLease(tx: StoreTransaction): Promise<void> {
  tx.set(leaseKey(keyOf("c9")), await tx.get(leaseKey(keyOf("c2"))));
}

function summaryKey(): Deno.KvKey {
  return blockKey("pods", { level: 1, first: PAGE.first });
}

function at(offset: number): Address {
  return { family: 4, value: PAGE.first.value + BigInt(offset) };
}
