import { assertEquals, assertRejects } from "@std/assert";
import { keyOf } from "../../tests/fakes/lease.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import { IPAM, TracedNode } from "../../tests/fakes/traced_node.ts";
import { StoreError } from "../errors.ts";
import { addressBytes, parseAddress } from "../net/address.ts";
import type { HostPort } from "../net/host_port.ts";
import { parsePrefix } from "../net/prefix.ts";
import { damage } from "../store/failure.ts";
import { stickyKey } from "../store/keys.ts";
import { type Lease, listLeases, restoreLease } from "../store/leases.ts";
import { claimPorts, listPorts } from "../store/ports.ts";
import { listSticky } from "../store/sticky.ts";
import type { Store } from "../store/store.ts";
import { collectDead } from "./collect_dead.ts";
import { forgetTaken } from "./reclaim_attachment.ts";
import { writeReclaiming } from "./reclaim.ts";

/** Who frees what is gone. */
const CALLERS: readonly [
  name: string,
  run: (node: TracedNode, store: Store) => Promise<unknown>,
][] = [
  ["collectDead", (node, store) => collectDead(store, node.context, { graceMs: 0, dryRun: false })],
  ["writeReclaiming", (node, store) => {
    const request = makeRequest("ADD", { ipam: IPAM });
    return writeReclaiming(store, request, node.context, () => Promise.resolve());
  }],
];

for (const [name, run] of CALLERS) {
  Deno.test(`${name}: frees the host ports of a lease whose record was lost`, async () => {
    await using node = await TracedNode.make();
    await using store = await node.openStore();
    await addPod(store, "10.9.0.3", node.gone);
    const port: HostPort = {
      ...{ protocol: "tcp", hostPort: 80, hostIp: undefined, targetPort: 80 },
      target: parseAddress("10.9.0.3"),
    };
    await store.write((tx) => claimPorts(tx, keyOf("c-10.9.0.3"), [port]));
    await run(node, store);
    assertEquals(await leasesOf(store), []);
    assertEquals(await store.read(listPorts), []);
  });

  Deno.test(`${name}: forgets what a pod had when another pod that lives has it`, async () => {
    await using node = await TracedNode.make();
    await using store = await node.openStore();
    await addPod(store, "10.9.0.2", node.addNetns("there"));
    await addPod(store, "10.9.0.3", node.gone);
    const kept = { "db-0": "10.9.0.2", "db-1": "10.9.0.3", "db-2": "10.9.0.4" };
    for (const [pod, address] of Object.entries(kept)) await keepFor(store, pod, address);
    await run(node, store);
    assertEquals((await leasesOf(store)).map(({ key }) => key.containerId), ["c-10.9.0.2"]);
    assertEquals(await remembered(store), ["db-1", "db-2"]);
  });
}

Deno.test("forgetTaken: goes on without it where the store cannot be written, not where it is damaged", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  await addPod(store, "10.9.0.2", node.gone);
  await keepFor(store, "db-0", "10.9.0.2");
  const living = await leasesOf(store);
  const failing = (error: Error): Store => ({
    directory: store.directory,
    clearedBootId: undefined,
    read: (fn) => store.read(fn),
    write: () => Promise.reject(error),
    [Symbol.asyncDispose]: () => Promise.resolve(),
  });
  await forgetTaken(failing(new StoreError("store-failure", "disk full")), living);
  await assertRejects(() => forgetTaken(failing(damage("Cannot read it")), living), StoreError);
  assertEquals(await remembered(store), ["db-0"]);
  await forgetTaken(store, living, "other");
  assertEquals(await remembered(store), ["db-0"]);
  await forgetTaken(store, living, "pods");
  assertEquals(await remembered(store), []);
});

/** Gives a pod an address in an earlier boot. */
async function addPod(store: Store, address: string, netns: string): Promise<void> {
  const lease: Lease = {
    key: keyOf(`c-${address}`),
    pool: "default",
    addresses: [{ address: parsePrefix(`${address}/24`), gateway: undefined }],
    pod: { namespace: "default", name: "web" },
    netns,
    bootId: "boot-1",
    createdMs: 0,
    createdUptimeMs: 0,
    hostNetns: "net:[1]",
    restMs: 0,
  };
  await store.write((tx) => restoreLease(tx, lease));
}

/** Remembers an address for a pod. */
function keepFor(store: Store, pod: string, address: string): Promise<void> {
  const bytes = addressBytes(parseAddress(address));
  return store.write((tx) => tx.set(stickyKey("pods", "default", pod, "eth0"), [bytes]));
}

function leasesOf(store: Store): Promise<Lease[]> {
  return store.read((reader) => listLeases(reader));
}

async function remembered(store: Store): Promise<string[]> {
  return (await store.read((reader) => listSticky(reader))).map(({ name }) => name);
}
