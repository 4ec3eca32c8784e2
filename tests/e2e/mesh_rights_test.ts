/** By what right the networks of pods are served: policy, API key, or a person. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { testUnless } from "../fakes/test_unless.ts";
import { HEADSCALE_VERSIONS } from "./tailnet/headscale.ts";
import { ipsOf, isReadyAgain, missingMesh, pingAll, TestMesh } from "./tailnet/mesh.ts";
import type { MeshPod } from "./tailnet/node.ts";
import { until } from "./tailnet/until.ts";

/** Routes of the exit node that somebody else may offer. */
const EXIT_ROUTES = ["0.0.0.0/0", "::/0"];

testUnless(missingMesh(), "mesh: by the printed policy and a key with its tag alone", async () => {
  await using mesh = await TestMesh.start({ right: "printed-policy" });
  await mesh.ready();
  const [red, blue] = await mesh.addPods();
  if (!red || !blue) throw new Error("two pods wanted");
  await pingAll(red, blue);
  await pingAll(blue, red);
  const { node } = mesh.member(1);
  assertStringIncludes(await node.headcni("mesh", "check", "--probe"), "answers");
  const peers: unknown = JSON.parse(
    await node.headcni("mesh", "peers", "--ping", "--output", "json"),
  );
  assert(Array.isArray(peers) && peers.every(({ latencyMs }) => latencyMs > 0));
  const owner = JSON.parse(
    await node.headcni("mesh", "whois", ipsOf(blue)[0] ?? "", "--output", "json"),
  );
  assertEquals([owner.route, owner.tags], [mesh.member(2).node.podCidrs[0], ["tag:k8s"]]);
  assertEquals(await mesh.internet.seen(), 0);
});

for (const version of HEADSCALE_VERSIONS) {
  testUnless(missingMesh(version), `mesh: with an API key, Headscale ${version}`, async () => {
    await using mesh = await TestMesh.start({ version, right: "api-key" });
    await mesh.ready();
    const [red, blue] = await mesh.addPods();
    if (!red || !blue) throw new Error("two pods wanted");
    await pingAll(red, blue);
    await pingAll(blue, red);

    await expectReturn(mesh, red, blue);
    assertEquals(await mesh.internet.seen(), 0);
  });
}

/** Has the key of the second node expire: it is back by itself, as the same node. */
async function expectReturn(mesh: TestMesh, red: MeshPod, blue: MeshPod): Promise<void> {
  const { daemon } = mesh.member(2);
  const { id } = await mesh.listed(2);
  const from = daemon.lines.length;
  await mesh.headscale.expire(id);
  const reason = "the key of the node has expired";
  await daemon.saw({ message: "Join the tailnet", reason }, from);
  await isReadyAgain(daemon);
  await pingAll(red, blue);
  await pingAll(blue, red);
  assertEquals((await mesh.listed(2)).id, id);
  assert(await daemon.metric("headcni_mesh_logins_total") >= 2);
}

testUnless(
  missingMesh(),
  "mesh: with neither, readiness says what is missing, and it heals",
  async () => {
    await using mesh = await TestMesh.start({ right: "by-hand", nodes: 1 });
    const { node, daemon } = mesh.member(1);
    const [v4 = "", v6 = ""] = node.podCidrs;
    const reasons = await until("a reason", async () => {
      const { text } = await daemon.ask("/readyz");
      return text.includes("approve") && text;
    });
    for (const text of [v4, v6, "headcni mesh policy", "approve-routes"]) {
      assertStringIncludes(reasons, text);
    }
    // Pods of this node do not wait for it.
    const [red, blue] = [await node.addPod(), await node.addPod()];
    await pingAll(red, blue);
    // By then nothing else of the node changes, so Headscale tells it nothing by itself.
    await daemon.saw({ message: "Nudge Headscale for what is not served" });
    const { id } = await mesh.listed(1);
    await mesh.headscale.approve(id, node.podCidrs);
    await daemon.saw({ message: "The node is ready" });
    await until("no trace", async () => {
      const prefs = JSON.parse(await node.tailscale("debug", "prefs"));
      return `${prefs.AdvertiseRoutes}` === `${node.podCidrs}`;
    });
  },
);

testUnless(
  missingMesh(),
  "mesh: what others advertise is theirs, whoever approves ours",
  async () => {
    await using mesh = await TestMesh.start({ right: "api-key", nodes: 3 });
    await mesh.ready();
    const [one, , three] = mesh.members;
    if (!one || !three) throw new Error("three nodes wanted");

    // A person's own route on the first node stays, and stays without approval.
    await one.node.tailscale(
      "set",
      `--advertise-routes=${[...one.node.podCidrs, "198.51.100.0/24"]}`,
    );
    // The third is a rogue: it wants the network of the first, and to be the way out for all.
    const stolen = one.node.podCidrs[0] ?? "";
    const wanted = [...three.node.podCidrs, stolen, ...EXIT_ROUTES];
    await three.node.tailscale("set", `--advertise-routes=${wanted}`);
    for (const { daemon } of mesh.members) {
      await daemon.signal("SIGHUP");
      await daemon.saw({ message: "Read the settings again" });
      await daemon.turned();
    }
    await until("the routes at Headscale", async () => {
      const { id } = await mesh.listed(3);
      const listed = (await mesh.headscale.listNodes()).find((each) => each.id === id);
      return listed?.available_routes?.includes(stolen);
    });
    for (const number of [1, 2, 3]) {
      const { approved_routes = [] } = await mesh.listed(number);
      assertEquals([...approved_routes].sort(), [...mesh.member(number).node.podCidrs].sort());
    }
    const prefs = JSON.parse(await one.node.tailscale("debug", "prefs"));
    assert(prefs.AdvertiseRoutes.includes("198.51.100.0/24"));

    // Once a person approves it the first node tells of the rogue.
    const { id } = await mesh.listed(3);
    await mesh.headscale.approve(id, [...three.node.podCidrs, stolen]);
    const { node, daemon } = one;
    await node.endTailscaled("SIGTERM");
    await until("the rogue in the place of the first", async () => {
      const nodes = await mesh.headscale.listNodes();
      return nodes.find((each) => each.id === id)?.subnet_routes?.includes(stolen);
    });
    node.startTailscaled();
    await until("the conflict", async () => await daemon.metric("headcni_mesh_conflicts") > 0);
  },
);
