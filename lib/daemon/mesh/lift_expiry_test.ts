import { assertEquals, assertStringIncludes } from "@std/assert";
import { logged } from "../../../tests/fakes/logged.ts";
import { headscaleNode } from "../../../tests/fakes/tailnet.ts";
import { liftExpiry } from "./lift_expiry.ts";

const EXPIRED = headscaleNode({ expiry: "2026-01-01T00:00:00Z" });

/** A Headscale with nodes, that writes down whose expiry it lifts. */
function stage(lifted: string[], ...nodes: readonly (typeof EXPIRED)[]) {
  return {
    findNode: ({ nodeKey }: { readonly nodeKey: string }) =>
      Promise.resolve(nodes.find((node) => node.nodeKey === nodeKey)),
    disableExpiry: (id: string) => Promise.resolve(void lifted.push(id)),
  };
}

Deno.test("liftExpiry: of the node with our key alone, and only where it must be", async () => {
  const lifted: string[] = [];
  const other = { ...EXPIRED, id: "8", nodeKey: "nodekey:02" };
  await liftExpiry(stage(lifted, other), "nodekey:01");
  await liftExpiry(stage(lifted, { ...EXPIRED, user: "k8s" }, other), "nodekey:01");
  assertEquals(lifted, []);
  await liftExpiry(stage(lifted, other, EXPIRED), "nodekey:01");
  assertEquals(lifted, [EXPIRED.id]);
});

Deno.test("liftExpiry: a Headscale that does not answer keeps nobody from a login", async () => {
  const findNode = () => Promise.reject(new Error("no answer"));
  const log = await logged(
    "warn",
    () => liftExpiry({ ...stage([]), findNode }, "nodekey:01"),
  );
  assertStringIncludes(log, "no answer");
});
