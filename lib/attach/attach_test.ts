import { assertEquals, assertRejects } from "@std/assert";
import { makeRequest } from "../../tests/fakes/request.ts";
import { IPAM, TracedNode } from "../../tests/fakes/traced_node.ts";
import { KernelError } from "../errors.ts";
import type { Host } from "../host/host.ts";
import type { Step } from "../host/step.ts";
import type { Link } from "../net/link.ts";
import { readCounters } from "../store/counters.ts";
import { listLeases } from "../store/leases.ts";
import { listResting } from "../store/resting.ts";
import { attach } from "./attach.ts";

/** A kernel that makes links and refuses these kinds of steps: no real one can be told to. */
function refusingHost(refused: readonly Step["kind"][]): Host {
  const links = new Map<string, Link>();
  const flags = { mtuBytes: 1280, up: true, promiscuous: false, carrier: true };
  return {
    apply(step) {
      if (refused.includes(step.kind)) throw new KernelError("send", 1, `Cannot ${step.kind}`);
      if (step.kind === "remove-link") links.delete(step.name);
      if (step.kind !== "add-veth") return;
      const { name, alias } = step;
      links.set(name, { index: 7, name, alias, ...flags });
    },
    findLink: (place, name) => place === "host" ? links.get(name) : undefined,
    listLinks: () => [...links.values()],
    hasPorts: () => false,
    uplinkMtuBytes: () => undefined,
    listAddresses: () => [],
    listRoutes: () => [],
    listRules: () => [],
    findLimit: () => undefined,
    findRedirect: () => undefined,
    readSysctl: () => undefined,
    removeLinksInBackground: () => Promise.resolve(),
    [Symbol.dispose]: () => {},
  };
}

/** What the store has after an ADD that failed on a kernel that refuses these kinds of steps. */
async function storeAfter(refused: readonly Step["kind"][]) {
  await using node = await TracedNode.make();
  node.openHost = () => refusingHost(refused);
  const request = makeRequest("ADD", { ipMasq: false, ipam: IPAM }, { netns: "/run/netns/x" });
  await assertRejects(() => attach(request, node.context), KernelError, "set-bridge-port");
  await using store = await node.openStore();
  // The next commit has the failure in its counters.
  await store.write(() => {});
  return await store.read(async (reader) => ({
    leases: (await listLeases(reader)).length,
    resting: (await listResting(reader)).length,
    errors: (await readCounters(reader)).filter(({ metric }) => metric === "errors"),
  }));
}

/** How one failed ADD is counted. */
const FAILURE = { metric: "errors", labels: ["pods", "kernel-failure"], value: 1n };

Deno.test("attach: a failed ADD gives its address back, which need not rest, and is counted", async () => {
  assertEquals(await storeAfter(["set-bridge-port"]), { leases: 0, resting: 0, errors: [FAILURE] });
});

Deno.test("attach: an address whose link could not be removed stays taken", async () => {
  const after = await storeAfter(["set-bridge-port", "remove-link"]);
  assertEquals(after, { leases: 1, resting: 0, errors: [FAILURE] });
});
