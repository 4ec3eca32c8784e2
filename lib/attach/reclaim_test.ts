import { assertEquals, assertRejects } from "@std/assert";
import { assertConsistent } from "../../tests/fakes/consistent_store.ts";
import { keyOf } from "../../tests/fakes/lease.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import { IPAM, TracedNode } from "../../tests/fakes/traced_node.ts";
import { formatAttachment } from "../attachment.ts";
import type { Request } from "../cni/request.ts";
import { ConfigError } from "../errors.ts";
import { findAttachment, listAttachments, putAttachment } from "../store/attachments.ts";
import { readCounters } from "../store/counters.ts";
import { type Lease, listLeases, releaseLease } from "../store/leases.ts";
import { listResting } from "../store/resting.ts";
import type { Store } from "../store/store.ts";
import { moment } from "./context.ts";
import { parseOwnIpam, reserveOwn } from "./own_ipam.ts";
import { writeReclaiming } from "./reclaim.ts";

Deno.test("writeReclaiming: the first one of a boot frees what earlier boots provably left", async () => {
  await using node = await TracedNode.make();
  {
    await using store = await node.openStore();
    node.bootId = "boot-1";
    await node.lease(store, keyOf("gone"), node.gone);
    await node.lease(store, keyOf("gone", "other"), node.gone);
    await node.lease(store, keyOf("present"), node.addNetns("present"));
    await node.lease(store, keyOf("unseen"), "/nonexistent/netns/unseen");
    await node.lease(store, keyOf("unknown"), "");
    const { key } = await node.lease(store, keyOf("released"), node.gone);
    await store.write((tx) => releaseLease(tx, key, moment(node.context)));
    node.bootId = "boot-2";
    await node.lease(store, keyOf("current"), node.gone);
    await node.lease(store, keyOf("unknown-now"), "");
    node.bootId = "";
    await node.lease(store, keyOf("brought-back"), node.gone);
    node.bootId = "boot-2";
  }
  await using store = await node.openStore();
  await addTo(node, store, "new");
  assertEquals(await leased(store), [
    "pods/brought-back/eth0",
    "pods/current/eth0",
    "pods/new/eth0",
    "pods/present/eth0",
    "pods/unknown-now/eth0",
    "pods/unseen/eth0",
  ]);
  assertEquals(await store.read((reader) => listResting(reader)), []);
  const counters = await store.read(readCounters);
  const reclaimed = counters.filter(({ metric }) => metric === "reclaimed");
  assertEquals(reclaimed.map(({ labels, value }) => [...labels, value]), [
    ["other", 1n],
    ["pods", 2n],
  ]);
  await assertConsistent(store);
});

Deno.test("writeReclaiming: many leases and rests, in several commits", async () => {
  await using node = await TracedNode.make();
  {
    await using store = await node.openStore();
    node.bootId = "boot-1";
    for (let i = 0; i < 60; i++) {
      const { key } = await node.lease(store, keyOf(`c${i}`), node.gone);
      if (i % 2) await store.write((tx) => releaseLease(tx, key, moment(node.context)));
    }
    node.bootId = "boot-2";
  }
  await using store = await node.openStore();
  await addTo(node, store, "new");
  assertEquals(await leased(store), ["pods/new/eth0"]);
  assertEquals(await store.read((reader) => listResting(reader)), []);
  await assertConsistent(store);
});

Deno.test("writeReclaiming: looks only once in a boot, but again when nothing is free", async () => {
  await using node = await TracedNode.make();
  const ipam = { ...IPAM, subnet: "10.9.0.0/30" };
  {
    await using store = await node.openStore();
    await addTo(node, store, "first", ipam);
  }
  await using store = await node.openStore();
  assertEquals(store.clearedBootId, "boot-2");
  node.bootId = "boot-1";
  await node.lease(store, keyOf("gone", "other"), node.gone);
  node.bootId = "boot-2";
  const adding = () => addTo(node, store, "second", ipam);
  await store.write((tx) => releaseLease(tx, keyOf("first"), "unused"));
  await adding();
  assertEquals(await leased(store), ["other/gone/eth0", "pods/second/eth0"]);
  const error = await assertRejects(() => addTo(node, store, "third", ipam), ConfigError);
  assertEquals(error.reason, "pool-exhausted");
  assertEquals(await leased(store), ["pods/second/eth0"]);
  node.bootId = "boot-3";
  Deno.removeSync(`${node.root}/netns/second`);
  await addTo(node, store, "fourth", ipam);
  assertEquals(await leased(store), ["pods/fourth/eth0"]);
});

/** What a lease of the attachment that is to be made is, and whether ADD works all the same. */
const OWN: readonly (readonly [what: string, boot: string, netns: string, works: boolean])[] = [
  ["of another boot, its namespace gone", "boot-1", "gone", true],
  ["of another boot, its namespace at the path of the new one", "boot-1", "again", true],
  ["of another boot, but something is where its namespace was", "boot-1", "other", false],
  ["of another boot, its namespace not known", "boot-1", "", true],
  ["of this boot, its namespace gone", "boot-2", "gone", false],
];

for (const [what, bootId, netns, works] of OWN) {
  Deno.test(`writeReclaiming: a lease of the same attachment ${what}`, async () => {
    await using node = await TracedNode.make();
    node.addNetns("other");
    {
      await using store = await node.openStore();
      await addTo(node, store, "first");
    }
    await using store = await node.openStore();
    node.bootId = bootId;
    await node.lease(store, keyOf("again"), netns && `${node.root}/netns/${netns}`);
    node.bootId = "boot-2";
    const adding = addTo(node, store, "again");
    if (works) await adding;
    else assertEquals((await assertRejects(() => adding, ConfigError)).reason, "already-attached");
    await assertConsistent(store);
  });
}

Deno.test("writeReclaiming: records go with their leases, but not those of another IPAM plugin", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  node.bootId = "boot-1";
  await node.lease(store, keyOf("own"), node.gone);
  for (const [id, type] of [["own", "headcni-ipam"], ["bare", undefined], ["foreign", "static"]]) {
    await record(node, store, id ?? "", type);
  }
  node.bootId = "boot-2";
  await record(node, store, "current", undefined);
  await addTo(node, store, "new");
  const left = await store.read((reader) => listAttachments(reader));
  assertEquals(left.map(({ key }) => key.containerId), ["current", "foreign"]);
});

Deno.test("writeReclaiming: another IPAM plugin is told of the attachment that is made anew", async () => {
  await using node = await TracedNode.make();
  const said = `${node.root}/said`;
  await Deno.writeTextFile(
    `${node.root}/static`,
    `#!/bin/sh\necho "$CNI_COMMAND $CNI_CONTAINERID" >>${said}; cat >>${said}\n`,
    { mode: 0o755 },
  );
  await using store = await node.openStore();
  node.bootId = "boot-1";
  await record(node, store, "again", "static");
  node.bootId = "boot-2";
  const request = { ...addRequest(node, "again"), path: [node.root] };
  const taken = new ConfigError("already-attached", "it is attached already");
  await writeReclaiming(store, request, node.context, async (tx) => {
    if (await findAttachment(tx, keyOf("again"))) throw taken;
  });
  const [verb, config] = (await Deno.readTextFile(said)).split("\n");
  assertEquals(verb, "DEL again");
  assertEquals(JSON.parse(config ?? "").ipam, { type: "static" });
});

Deno.test("writeReclaiming: repeats nothing when nothing was freed", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  let calls = 0;
  const refuse = () => {
    calls += 1;
    return Promise.reject(new ConfigError("pool-exhausted", "nothing is free"));
  };
  const request = addRequest(node, "new");
  await assertRejects(() => writeReclaiming(store, request, node.context, refuse), ConfigError);
  assertEquals(calls, 1);
});

/** Gives a pod an address as ADD does; its namespace is there. */
function addTo(node: TracedNode, store: Store, id: string, section = IPAM): Promise<Lease> {
  const request = addRequest(node, id, section);
  const ipam = parseOwnIpam(request);
  return writeReclaiming(
    store,
    request,
    node.context,
    (tx) => reserveOwn(tx, request, ipam, node.context),
  );
}

function addRequest(node: TracedNode, containerId: string, ipam = IPAM): Request {
  return makeRequest("ADD", { ipam }, { containerId, netns: node.addNetns(containerId) });
}

/** Records an attachment whose namespace is gone. */
function record(
  node: TracedNode,
  store: Store,
  id: string,
  ipamType: string | undefined,
): Promise<void> {
  return store.write((tx) =>
    putAttachment(tx, {
      key: keyOf(id),
      phase: "added",
      pod: {},
      netns: node.gone,
      bootId: node.bootId,
      createdMs: 77,
      config: { name: "pods", type: "headcni", ...ipamType && { ipam: { type: ipamType } } },
    })
  );
}

async function leased(store: Store): Promise<string[]> {
  return (await store.read((reader) => listLeases(reader))).map(({ key }) => formatAttachment(key));
}
