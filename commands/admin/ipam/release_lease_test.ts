import { assertEquals, assertRejects } from "@std/assert";
import { keyOf, leasedContainers } from "../../../tests/fakes/lease.ts";
import { TracedNode } from "../../../tests/fakes/traced_node.ts";
import { HeadcniError } from "../../../lib/errors.ts";
import { hostLinkName } from "../../../lib/pod/identity.ts";
import { releaseLease } from "../../../lib/store/leases.ts";
import type { Store } from "../../../lib/store/store.ts";
import { releaseDead, releaseForced } from "./release_lease.ts";

/** Gives a container the first address of the node. */
async function find(node: TracedNode, store: Store, netns: string) {
  return { address: "10.9.0.2", lease: await node.lease(store, keyOf("a"), netns) };
}

Deno.test("releaseDead: a namespace that is gone is enough for those who know the pod", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  await releaseDead(store, await find(node, store, node.gone), node.context);
  assertEquals(await leasedContainers(store), []);
});

Deno.test("releaseDead: a pod whose link is there keeps its address, releaseForced takes it", async () => {
  await using node = await TracedNode.make();
  await using store = await node.openStore();
  const found = await find(node, store, node.gone);
  node.addLink(keyOf("a"), ["10.9.0.2"]);
  const error = await assertRejects(() => releaseDead(store, found, node.context), HeadcniError);
  assertEquals(
    error.message,
    `Cannot release "10.9.0.2": eth0 of container a on "pods" may be alive: link ` +
      `"${hostLinkName(keyOf("a"))}" has its alias`,
  );
  assertEquals(await leasedContainers(store), ["a"]);
  await releaseForced(store, found, node.context);
  assertEquals(await leasedContainers(store), []);
});

for (const release of [releaseDead, releaseForced]) {
  Deno.test(`${release.name}: an address that was given anew meanwhile is not that of the pod`, async () => {
    await using node = await TracedNode.make();
    await using store = await node.openStore();
    const found = await find(node, store, node.gone);
    await store.write((tx) => releaseLease(tx, keyOf("a"), "unused"));
    node.uptimeMs += 1;
    await find(node, store, node.gone);
    const error = await assertRejects(() => release(store, found, node.context), HeadcniError);
    assertEquals(error.reason, "try-again");
    assertEquals(await leasedContainers(store), ["a"]);
  });
}
