/** What `headcni mesh` prints where no tailnet is. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { FakeTailscaled } from "../fakes/tailscaled.ts";
import { AdminNode } from "./admin_node.ts";

/** A node with settings of a daemon. */
async function nodeWith(settings: unknown): Promise<AdminNode> {
  const node = await AdminNode.make();
  await Deno.mkdir(`${node.root}/etc/headcni`, { recursive: true });
  await Deno.writeTextFile(`${node.root}/etc/headcni/daemon.yaml`, JSON.stringify(settings));
  return node;
}

Deno.test("headcni mesh policy: the cluster's networks and tags, as text and as JSON", async () => {
  await using node = await nodeWith({
    network: { podCIDR: { base: "10.42.0.0/16" } },
    tailscale: { tags: "tag:pods" },
  });
  const { code, stdout, stderr } = await node.run("mesh", "policy");
  assertEquals([code, stderr], [0, ""]);
  for (const text of ["10.42.0.0/16", "tag:pods", "autoApprovers"]) {
    assertStringIncludes(stdout, text);
  }
  const json = await node.run(
    "mesh",
    "policy",
    "--output",
    "json",
    "--cluster-cidr",
    "10.9.0.0/16",
  );
  const { policy, clusterCidrs } = JSON.parse(json.stdout);
  assertEquals(clusterCidrs, ["10.9.0.0/16"]);
  assertStringIncludes(policy, "10.9.0.0/16");
});

Deno.test("headcni mesh policy: without the cluster's network it says where to name it", async () => {
  await using node = await nodeWith({});
  const { code, stdout, stderr } = await node.run("mesh", "policy");
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, "--cluster-cidr");
});

Deno.test("headcni mesh: without a tailscaled it says so, and without a tailnet, too", async () => {
  const socket = { path: "/nonexistent/tailscaled.sock" };
  await using node = await nodeWith({ tailscale: { socket } });
  const peers = await node.run("mesh", "peers");
  assertEquals([peers.code, peers.stdout], [1, ""]);
  assertStringIncludes(peers.stderr, "/nonexistent/tailscaled.sock");
  const check = await node.run("mesh", "check", "--output", "json");
  assertEquals(check.code, 1);
  const { ok, conditions } = JSON.parse(check.stdout);
  assertEquals([ok, conditions[0].id, conditions[0].verdict], [false, "tailscaled", "fail"]);
  const status = await node.run("mesh", "status");
  assertEquals(status.code, 0);
  assertStringIncludes(status.stdout, "start tailscaled");

  await using off = await nodeWith({ tailscale: { mode: "off" } });
  const none = await off.run("mesh", "status");
  assertEquals([none.code, none.stderr], [
    2,
    "headcni: Cannot look at the mesh: tailscale.mode is off\n",
  ]);
});

Deno.test("headcni mesh join: a node that had not left stays as it is", async () => {
  await using node = await nodeWith({});
  const { code, stdout } = await node.run("mesh", "join", "--output", "json");
  assertEquals([code, JSON.parse(stdout)], [0, { joined: false }]);
});

Deno.test("headcni mesh status and check: tell of settings of tailscaled that are in the way", async () => {
  await using tailscaled = await FakeTailscaled.start();
  tailscaled.prefs.NetfilterMode = 0;
  await using node = await nodeWith({ tailscale: { socket: { path: tailscaled.socket } } });
  const warning = "warning: tailscaled sets no packet filter (netfilter-mode=off)";
  for (const verb of ["status", "check"]) {
    assertStringIncludes((await node.run("mesh", verb)).stdout, warning);
    const { warnings } = JSON.parse((await node.run("mesh", verb, "--output", "json")).stdout);
    assertEquals(warnings.length, 1);
  }
});
