import { assertEquals } from "@std/assert";
import type { Request } from "../../lib/cni/request.ts";
import { keyOf, leasedContainers } from "../../tests/fakes/lease.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import { gc } from "./gc.ts";

Deno.test("gc: without a list, releases only what two proofs call dead", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  await node.lease(store, keyOf("old-gone"), node.gone);
  await node.lease(store, keyOf("old-there"), node.addNetns("old-there"));
  await node.lease(store, keyOf("old-other", "other"), node.gone);
  node.bootId = "boot-3";
  await node.lease(store, keyOf("new-gone"), node.gone);
  await gc(gcRequest(), node.context);
  assertEquals(await leasedContainers(store), ["old-other", "new-gone", "old-there"]);
});

Deno.test("gc: with a list, releases all others of the network, dead or not", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  const there = node.addNetns("there");
  const ids = Array.from({ length: 20 }, (_, index) => `c${String(index).padStart(2, "0")}`);
  for (const id of ids) await node.lease(store, keyOf(id), there);
  await node.lease(store, keyOf("elsewhere", "other"), there);
  await gc(gcRequest(["c03", "c17", "unknown"]), node.context);
  assertEquals(await leasedContainers(store), ["elsewhere", "c03", "c17"]);
  await gc(gcRequest([]), node.context);
  assertEquals(await leasedContainers(store), ["elsewhere"]);
});

Deno.test("gc: where there is no store there is nothing to do, and none is made", async () => {
  await using node = await TracedNode.make();
  await gc(gcRequest(), node.context);
  await gc(gcRequest([]), node.context);
  assertEquals(Array.from(Deno.readDirSync(node.directory)), []);
});

/** GC of the network "pods"; without `valid` it has no list. */
function gcRequest(valid?: readonly string[]): Request {
  const listed = valid?.map((id) => ({ containerID: id, ifname: "eth0" }));
  return makeRequest("GC", { ipam: {}, "cni.dev/valid-attachments": listed });
}
