import { assertEquals, assertRejects } from "@std/assert";
import { keyOf, leaseOf } from "../../tests/fakes/lease.ts";
import { logged } from "../../tests/fakes/logged.ts";
import { makeRequest } from "../../tests/fakes/request.ts";
import { type FakeResult, IPAM, TracedNode } from "../../tests/fakes/traced_node.ts";
import { formatAttachment } from "../attachment.ts";
import { HeadcniError } from "../errors.ts";
import { parseAddress } from "../net/address.ts";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import type { Lease } from "../store/leases.ts";
import { recallLeases } from "./witnesses.ts";

Deno.test("recallLeases: nothing where there is nothing, not even a folder of results", async () => {
  await using node = await TracedNode.make();
  assertEquals(await recall(node), []);
});

Deno.test("recallLeases: a link alone brings its addresses back, completed by the ranges", async () => {
  await using node = await TracedNode.make();
  node.addLink(keyOf("a"), ["10.9.0.2", "fd00::2"], { namespace: "shop", name: "db-0" });
  const [lease] = await recall(node);
  assertEquals(lease, {
    key: keyOf("a"),
    pool: "default",
    addresses: [
      { address: parsePrefix("10.9.0.2/24"), gateway: parseAddress("10.9.0.1") },
      { address: parsePrefix("fd00::2/128"), gateway: undefined },
    ],
    pod: { namespace: "shop", name: "db-0" },
    netns: "",
    bootId: "boot-2",
    createdMs: 77,
    createdUptimeMs: 3_600_000,
    hostNetns: "net:[1]",
    restMs: 300_000,
  });
});

Deno.test("recallLeases: a result alone does when its namespace is there", async () => {
  await using node = await TracedNode.make();
  const netns = node.addNetns("a");
  await node.addResult("a", ["10.9.0.7/16"], { netns });
  const leases = await recall(node);
  assertEquals(leases.map(formatLease), ["pods/a/eth0 10.9.0.7/16"]);
  assertEquals(leases[0]?.netns, netns);
});

Deno.test("recallLeases: a link and a result are one lease; the addresses are those of the link", async () => {
  await using node = await TracedNode.make();
  node.addLink(keyOf("a"), ["10.9.0.2"]);
  await node.addResult("a", ["192.0.2.9/32", "10.9.0.2/30"], { netns: node.gone });
  const leases = await recall(node);
  assertEquals(leases.map(formatLease), ["pods/a/eth0 10.9.0.2/30"]);
  assertEquals(leases[0]?.netns, node.gone);
});

Deno.test("recallLeases: a result whose namespace is gone is stale", async () => {
  await using node = await TracedNode.make();
  await node.addResult("a", ["10.9.0.2/24"], { netns: node.gone });
  assertEquals(await recall(node), []);
});

Deno.test("recallLeases: a namespace that cannot be seen from here may be there", async () => {
  await using node = await TracedNode.make();
  await node.addResult("a", ["10.9.0.2/24"], { netns: `${node.root}/unmounted/a` });
  assertEquals((await recall(node)).map(formatLease), ["pods/a/eth0 10.9.0.2/24"]);
});

Deno.test("recallLeases: the pool, the prefix and the rest of a lease are of its own configuration", async () => {
  await using node = await TracedNode.make();
  const pools = [{ name: "blue", subnet: "10.20.0.0/24" }];
  node.addLink(keyOf("a", "other"), ["10.20.0.5"]);
  await node.addResult("a", [], { network: "other", ipam: { ...IPAM, pools, cooldown: 7 } });
  const [lease] = await recall(node);
  assertEquals([lease?.pool, lease?.restMs], ["blue", 7_000]);
  assertEquals(lease && formatLease(lease), "other/a/eth0 10.20.0.5/24");
});

Deno.test("recallLeases: a configuration with faults costs only what it would have told", async () => {
  await using node = await TracedNode.make();
  node.addLink(keyOf("a"), ["10.9.0.5"]);
  await node.addResult("a", [], { ipam: { ...IPAM, subnet: "10.9.0.1/24", cooldown: "soon" } });
  const [lease] = await recall(node);
  assertEquals([lease && formatLease(lease), lease?.restMs], ["pods/a/eth0 10.9.0.5/32", 60_000]);
});

Deno.test("recallLeases: leaves what is another plugin's, and what is another store's", async () => {
  await using node = await TracedNode.make();
  const network = "other";
  await node.addResult("a", ["10.9.0.2/24"], { network, ipam: { type: "host-local" } });
  await node.addResult("b", ["10.9.0.3/24"], { network, ipam: { ...IPAM, dataDir: node.root } });
  await node.addResult("c", ["10.9.0.4/24"], { network, ipam: { ...IPAM, dataDir: "relative" } });
  node.addLink(keyOf("d", network), ["10.9.0.5"]);
  await node.addResult("d", ["10.9.0.5/24"], { network, ipam: { type: "host-local" } });
  assertEquals(await recall(node), []);
});

Deno.test("recallLeases: whoever gave them, the addresses of a network that is ours now are ours", async () => {
  await using node = await TracedNode.make();
  const ipam = { type: "host-local", dataDir: "/var/lib/cni/networks" };
  await node.addResult("a", ["10.9.0.2/24"], { ipam, netns: node.addNetns("a") });
  await node.addResult("b", ["10.9.0.3/24"], { ipam: { ...IPAM, dataDir: node.root } });
  await node.addResult("c", ["10.9.0.4/24"], { ipam, netns: node.gone });
  node.addLink(keyOf("d"), ["10.9.0.5"]);
  await node.addResult("d", ["10.9.0.5/24"], { ipam });
  const leases = await recall(node);
  assertEquals(leases.map(formatLease), [
    "pods/d/eth0 10.9.0.5/24",
    "pods/a/eth0 10.9.0.2/24",
    "pods/b/eth0 10.9.0.3/24",
  ]);
  // They rest as the network wants it today.
  assertEquals(leases.map(({ restMs }) => restMs), [300_000, 300_000, 300_000]);
  assertEquals(await recall(node, { type: "host-local" }), []);
});

Deno.test("recallLeases: a store by another path is this store", async () => {
  await using node = await TracedNode.make();
  await Deno.symlink(node.directory, `${node.root}/link`);
  await node.addResult("a", ["10.9.0.2/24"], { ipam: { ...IPAM, dataDir: `${node.root}/link/` } });
  assertEquals((await recall(node)).map(formatLease), ["pods/a/eth0 10.9.0.2/24"]);
});

Deno.test("recallLeases: of two owners of an address the one with a link keeps it", async () => {
  await using node = await TracedNode.make();
  await node.addResult("a", ["10.9.0.2/24", "10.9.1.2/24"], { netns: node.addNetns("a") });
  await node.addResult("a", ["10.9.0.2/24"], { netns: node.addNetns("a"), network: "other" });
  node.addLink(keyOf("b"), ["10.9.0.2"]);
  await node.addResult("c", ["10.9.0.2/24"], { netns: node.addNetns("c") });
  assertEquals((await recall(node)).map(formatLease), [
    "pods/b/eth0 10.9.0.2/24",
    "other/a/eth0 10.9.0.2/24",
    "pods/a/eth0 10.9.1.2/24",
  ]);
});

Deno.test("recallLeases: a link is believed, then what can still be read, then a result alone", async () => {
  await using node = await TracedNode.make();
  const read = [
    leaseOf("linked", "10.9.0.2/30"),
    leaseOf("moved", "10.9.0.3/30"),
    leaseOf("read", "10.9.0.4/30"),
    leaseOf("doubled", "10.9.0.2/30"),
    { ...leaseOf("dead", "10.9.0.5/30"), netns: node.gone },
  ];
  node.addLink(keyOf("linked"), ["10.9.0.2"]);
  node.addLink(keyOf("moved"), ["10.9.0.9"]);
  await node.addResult("read", ["10.9.0.8/24"], { netns: node.gone });
  await node.addResult("cached", ["10.9.0.4/24"], { netns: node.addNetns("a") });
  await node.addResult("alone", ["10.9.0.3/24"], { netns: node.addNetns("b") });
  const leases = await recall(node, IPAM, read);
  assertEquals(leases.map(formatLease), [
    "pods/linked/eth0 10.9.0.2/30",
    "pods/moved/eth0 10.9.0.9/24",
    "pods/read/eth0 10.9.0.4/30",
    "pods/alone/eth0 10.9.0.3/24",
  ]);
  assertEquals([leases[0], leases[2]], [read[0], read[2]]);
});

Deno.test("recallLeases: the log tells what is not brought back, and why", async () => {
  await using node = await TracedNode.make();
  await node.addResult("a", ["10.9.0.2/24"], { netns: node.gone });
  const elsewhere = { network: "other", ipam: { ...IPAM, dataDir: node.root } };
  await node.addResult("b", ["10.9.0.3/24"], elsewhere);
  const foreign = { network: "theirs", ipam: { type: "host-local" } };
  await node.addResult("foreign", ["10.9.0.5/24"], foreign);
  await node.addResult("c", [], { netns: node.addNetns("c") });
  for (const id of ["d", "e"]) node.addLink(keyOf(id), ["10.9.0.4"]);
  const lines = (await logged("info", () => recall(node))).trim().split("\n");
  assertEquals(
    lines.map((line) => JSON.parse(line)).map(({ level, message, containerId }) => [
      level,
      message,
      containerId,
    ]),
    [
      ["info", `Did not bring a lease back: it is in the store "${node.root}"`, "b"],
      ["info", `Did not bring a lease back: its namespace "${node.gone}" is gone`, "a"],
      ["info", "Did not bring a lease back: no address of it is known", "c"],
      ["info", "Did not bring a lease back: its addresses are not ours", "foreign"],
      [
        "error",
        'Cannot give 10.9.0.4 of network "pods" back to "pods/e/eth0": "pods/d/eth0" has it too and ' +
        "keeps it; one of these pods must be started anew",
        undefined,
      ],
    ],
  );
});

Deno.test("recallLeases: a file that cannot be read costs nothing but itself", async () => {
  await using node = await TracedNode.make();
  await node.addResult("a", ["10.9.0.2/24"], { netns: node.addNetns("a") });
  await Deno.writeTextFile(`${node.results}/pods-b-eth0`, "{");
  await Deno.mkdir(`${node.results}/pods-c-eth0`);
  assertEquals((await recall(node)).map(formatLease), ["pods/a/eth0 10.9.0.2/24"]);
});

Deno.test("recallLeases: fails where it cannot ask: nothing may be forgotten unheard", async () => {
  await using node = await TracedNode.make();
  await Deno.writeTextFile(node.results, "no folder");
  await assertRejects(() => recall(node), HeadcniError, "Cannot list the runtime's results");
  await Deno.remove(node.results);
  node.openHost = () => {
    throw new HeadcniError("kernel-failure", "no netlink");
  };
  await assertRejects(() => recall(node), HeadcniError, "no netlink");
});

function recall(
  node: TracedNode,
  ipam: FakeResult["ipam"] = IPAM,
  read: readonly Lease[] | undefined = undefined,
): Promise<Lease[]> {
  const { config } = makeRequest("ADD", { type: "headcni", ipam });
  return recallLeases(config, node.context, node.directory, read);
}

function formatLease({ key, addresses }: Lease): string {
  return [formatAttachment(key), ...addresses.map(({ address }) => formatPrefix(address))]
    .join(" ");
}
