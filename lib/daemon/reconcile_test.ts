import { assertEquals } from "@std/assert";
import { fakeFirewall } from "../../tests/fakes/fake_firewall.ts";
import { keyOf } from "../../tests/fakes/lease.ts";
import { logged } from "../../tests/fakes/logged.ts";
import { TracedNode } from "../../tests/fakes/traced_node.ts";
import { parseAddress } from "../net/address.ts";
import type { HostPort } from "../net/host_port.ts";
import { reconcile } from "./reconcile.ts";
import type { UpkeepContext, UpkeepOutcome } from "./upkeep.ts";

Deno.test("reconcile: tells each host port of a dead pod once, whoever removed it", async () => {
  await using node = await TracedNode.make();
  await node.addResult("unrelated", [], {});
  await using store = await node.openStore();
  await node.lease(store, keyOf("dead"), node.gone);
  const port: HostPort = {
    protocol: "tcp",
    hostPort: 8080,
    hostIp: undefined,
    target: parseAddress("10.9.0.2"),
    targetPort: 80,
  };
  node.openFirewall = () => fakeFirewall(node.hostPorts);
  const refuse = () => {
    throw new Error("more was done than to reconcile");
  };
  const context: UpkeepContext = {
    attach: node.context,
    keeper: {
      setMasquerade: refuse,
      setForwardAccept: refuse,
      setMssClamp: refuse,
      findUnknownToFirewalld: refuse,
      removeTable: refuse,
    },
    setLegacyForward: refuse,
    stores: [store],
    unread: [],
  };
  const pass = async (): Promise<UpkeepOutcome> => {
    let outcome: UpkeepOutcome = { changes: [], failures: [], warnings: [] };
    await logged("error", async () => {
      outcome = await reconcile(context, { graceMs: 0, suspects: new Map() });
    });
    return outcome;
  };
  node.hostPorts.push({ port, link: "gone" });
  const first = await pass();
  assertEquals(first.failures, []);
  assertEquals(first.changes.map(({ part }) => part).toSorted(), ["host_port", "lease"]);
  node.hostPorts.push({ port, link: "gone" });
  assertEquals((await pass()).changes.map(({ part }) => part), ["host_port"]);
  assertEquals((await pass()).changes, []);
});
