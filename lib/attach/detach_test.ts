import { assertEquals, assertRejects, assertStrictEquals, assertStringIncludes } from "@std/assert";
import { keyOf } from "../../tests/fakes/lease.ts";
import { logged } from "../../tests/fakes/logged.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import { IPAM, TracedNode } from "../../tests/fakes/traced_node.ts";
import type { Request } from "../cni/request.ts";
import { KernelError, StoreError } from "../errors.ts";
import { hostLinkName } from "../pod/identity.ts";
import { putAttachment } from "../store/attachments.ts";
import { readCounters } from "../store/counters.ts";
import { type Lease, listLeases, restoreLease } from "../store/leases.ts";
import { listResting } from "../store/resting.ts";
import { spoolPath } from "../store/spool.ts";
import { detach } from "./detach.ts";
import { counted } from "./postpone.ts";

const UNKNOWN_LINK = "Removed a link that the store knows nothing of";

Deno.test("detach: warns of a link that the store knows nothing of, not of one that it restored", async () => {
  await using node = await makeNode();
  const lease = await addPod(node, "known");
  await using store = await node.openStore();
  await store.write((tx) => restoreLease(tx, { ...lease, key: keyOf("c1"), addresses: [] }));
  node.addLink(keyOf("c1"), []);
  assertEquals(await logged("warn", () => detach(delRequest("c1"), node.context)), "");
  node.addLink(keyOf("c2"), []);
  const warnings = await logged("warn", () => detach(delRequest("c2"), node.context));
  assertStringIncludes(warnings, UNKNOWN_LINK);
});

Deno.test("detach: what the store cannot be told now it is told later", async () => {
  await using node = await makeNode();
  await addPod(node, "c1");
  const repair = breakStore(node);
  const warnings = await logged("warn", () => detach(delRequest("c1"), node.context));
  assertStringIncludes(warnings, "Kept a release for later");
  repair();
  node.uptimeMs += 60_000;
  await using store = await node.openStore();
  await store.write(() => {});
  assertEquals(await store.read((reader) => listLeases(reader)), []);
  const resting = await store.read((reader) => listResting(reader));
  // Five minutes from DEL on, whenever the store heard of it.
  assertEquals(resting.map(({ untilUptimeMs }) => untilUptimeMs), [3_600_000 + 300_000]);
});

Deno.test("detach: an address whose link could not be removed is not released", async () => {
  await using node = await makeNode();
  await addPod(node, "c1");
  const repair = breakStore(node);
  node.addLink(keyOf("c1"), []);
  const { openHost } = node;
  node.openHost = () => ({
    ...openHost(),
    removeLinksInBackground: () => Promise.reject(new KernelError("send", 1, "Cannot remove it")),
  });
  await assertRejects(() => detach(delRequest("c1"), node.context), KernelError);
  repair();
  await using store = await node.openStore();
  await store.write(() => {});
  assertEquals((await store.read((reader) => listLeases(reader))).length, 1);
});

Deno.test("detach: the link of an attachment of our own goes, whoever is configured now", async () => {
  await using node = await makeNode();
  const removed: string[] = [];
  const { openHost } = node;
  node.openHost = () => ({
    ...openHost(),
    removeLinksInBackground: (names) => Promise.resolve(void removed.push(...names)),
  });
  await addPod(node, "c1");
  node.addLink(keyOf("c1"), []);
  const request = makeRequest("DEL", { plugins: [{ type: "other" }] });
  await detach(request, node.context);
  assertEquals(removed, [hostLinkName(keyOf("c1"))]);
  await using store = await node.openStore();
  assertEquals(await store.read((reader) => listLeases(reader)), []);
});

Deno.test("detach: fails when not even the release can be kept", async () => {
  await using node = await makeNode();
  await addPod(node, "c1");
  breakStore(node);
  const spool = spoolPath(node.context.runDirectory, node.directory);
  await Deno.mkdir(spool);
  const error = await assertRejects(() => detach(delRequest("c1"), node.context), StoreError);
  assertStringIncludes(error.message, `Cannot examine the store "${node.directory}/state.kv"`);
});

Deno.test("counted: a failed ADD is counted by its cause in the next commit", async () => {
  await using node = await makeNode();
  await addPod(node, "c1");
  const failed = [new KernelError("send", 1, "no"), new TypeError("no"), new TypeError("no")];
  for (const error of failed) await assertFails(node, error);
  await using store = await node.openStore();
  await store.write(() => {});
  const counters = await store.read(readCounters);
  assertEquals(counters.filter(({ metric }) => metric === "errors"), [
    { metric: "errors", labels: ["pods", "internal"], value: 2n },
    { metric: "errors", labels: ["pods", "kernel-failure"], value: 1n },
  ]);
});

Deno.test("counted: a store that is not there yet has nothing to count", async () => {
  await using node = await makeNode();
  await Deno.remove(node.directory, { recursive: true });
  await assertFails(node, new TypeError("no"));
  await assertRejects(() => Deno.stat(node.directory), Deno.errors.NotFound);
});

/** An ADD that fails fails with the same error when it is counted. */
async function assertFails(node: TracedNode, error: Error): Promise<void> {
  const failing = () => counted(delRequest("c2"), node.context, () => Promise.reject(error));
  assertStrictEquals(await assertRejects(failing), error);
}

/** A node whose links go away when they are told to. */
async function makeNode(): Promise<TracedNode> {
  const node = await TracedNode.make();
  const { openHost } = node;
  node.openHost = () => ({ ...openHost(), removeLinksInBackground: () => Promise.resolve() });
  return node;
}

/** Gives a pod its address and its record. */
async function addPod(node: TracedNode, id: string): Promise<Lease> {
  await using store = await node.openStore();
  const lease = await node.lease(store, keyOf(id), node.gone);
  const { key, pod, netns, bootId, createdMs } = lease;
  const record = { key, pod, netns, bootId, createdMs, config: delRequest(id).config.raw };
  await store.write((tx) => putAttachment(tx, { ...record, phase: "added" }));
  return lease;
}

/** Nothing can be opened any more; what it answers undoes that. */
function breakStore({ directory }: TracedNode): () => void {
  Deno.renameSync(`${directory}/state.kv`, `${directory}/kept`);
  Deno.mkdirSync(`${directory}/state.kv`);
  return () => {
    Deno.removeSync(`${directory}/state.kv`);
    Deno.renameSync(`${directory}/kept`, `${directory}/state.kv`);
  };
}

function delRequest(containerId: string): Request {
  return makeRequest("DEL", { type: "headcni", ipam: IPAM }, { containerId });
}
