import { assertEquals, assertRejects } from "@std/assert";
import { leasedContainers, leaseOf } from "../../tests/fakes/lease.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import { IPAM, TracedNode } from "../../tests/fakes/traced_node.ts";
import type { Verb } from "../cni/request.ts";
import { StoreError } from "../errors.ts";
import { restoreLease } from "../store/leases.ts";
import { openRequestStoreIfPresent } from "./open_store.ts";

/** A child that finds the store damaged, and of which nothing can be read. */
const CHECK =
  `echo started; test "$1" = salvage && echo ended || echo '{"faults":["a page makes no sense"]}'`;

Deno.test("openRequestStoreIfPresent: CHECK has a store in doubt examined, and leaves it to others", async () => {
  await using node = await TracedNode.make();
  {
    await using store = await node.openStore();
    await store.write((tx) => restoreLease(tx, leaseOf("c1", "10.0.0.1/24")));
  }
  // As a boot leaves it.
  await Deno.remove(node.context.runDirectory, { recursive: true });
  const context = { ...node.context, self: ["sh", "-c", CHECK] };
  const open = (verb: Verb) =>
    openRequestStoreIfPresent(makeRequest(verb, { ipam: IPAM }), context);
  const error = await assertRejects(() => open("CHECK"), StoreError, "a page makes no sense");
  assertEquals(error.reason, "store-damaged");
  await using untouched = await node.openStore();
  assertEquals(await leasedContainers(untouched), ["c1"]);
  await using mended = await open("DEL");
  assertEquals(mended && await leasedContainers(mended), []);
});
