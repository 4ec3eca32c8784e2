/** What becomes of a mesh when its parts fail: pods of one node never notice, others come back. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { testUnless } from "../fakes/test_unless.ts";
import { writeSettings } from "../netns/daemon.ts";
import { ipsOf, isReadyAgain, missingMesh, pingAll, TestMesh } from "./tailnet/mesh.ts";
import { until } from "./tailnet/until.ts";

testUnless(missingMesh(), "mesh: outlives Headscale, tailscaled and daemon", async () => {
  await using mesh = await TestMesh.start();
  await mesh.ready();
  const { headscale } = mesh;
  const [red, blue] = await mesh.addPods();
  const member = mesh.member(1);
  const green = await member.node.addPod();
  if (!red || !blue) throw new Error("two pods wanted");
  await pingAll(red, blue);

  // Headscale goes: what is there stays, and a restart changes nothing.
  const copy = join(headscale.folder, "copy.sqlite");
  await headscale.stop();
  await Deno.copyFile(join(headscale.folder, "db.sqlite"), copy);
  await pingAll(red, blue);
  await pingAll(red, green);
  await headscale.resume();
  await pingAll(blue, red);

  // tailscaled is killed: pods of one node do not notice.
  await member.node.endTailscaled("SIGKILL");
  await pingAll(red, green);
  assertEquals((await member.daemon.ask("/livez")).status, 200);
  member.node.startTailscaled();
  await pingAll(red, blue);
  await pingAll(blue, red);

  // The daemon is killed: nobody notices.
  await member.daemon.end("SIGKILL");
  await pingAll(red, blue);
  await pingAll(red, green);
  member.daemon = await member.node.startDaemon({ settings: member.settings });
  await member.daemon.saw({ message: "The node is ready" });
  await pingAll(blue, red);

  // Its database is one of before: the nodes are still those that it knows.
  await headscale.stop("SIGKILL");
  for (const suffix of ["-wal", "-shm"]) {
    await Deno.remove(join(headscale.folder, `db.sqlite${suffix}`)).catch(() => {});
  }
  await Deno.copyFile(copy, join(headscale.folder, "db.sqlite"));
  await headscale.resume();
  await pingAll(red, blue);
  await pingAll(blue, red);
  assertEquals(await mesh.internet.seen(), 0);
});

testUnless(
  missingMesh(),
  "mesh: a tailscaled that a person stops stays so until that person takes it up",
  async () => {
    await using mesh = await TestMesh.start();
    await mesh.ready();
    const [red, blue] = await mesh.addPods();
    if (!red || !blue) throw new Error("two pods wanted");
    await pingAll(blue, red);
    const { node, daemon } = mesh.member(1);
    await node.tailscale("down");
    const advice = await until("the daemon's word", async () => {
      const { text } = await daemon.ask("/readyz");
      return /when it may run: tailscale (.*up)$/m.exec(text)?.[1];
    });
    await daemon.turned();
    const stateOf = async () => JSON.parse(await node.tailscale("status", "--json")).BackendState;
    assertEquals(await stateOf(), "Stopped");
    assertEquals((await daemon.ask("/livez")).status, 200);
    // Word for word what it says is to be typed.
    await node.tailscale(...advice.split(" ").filter((word) => !word.startsWith("--socket=")));
    await isReadyAgain(daemon);
    await pingAll(blue, red);
  },
);

testUnless(
  missingMesh(),
  "mesh: a node's network changes, and the old one is led nowhere",
  async () => {
    await using mesh = await TestMesh.start();
    await mesh.ready();
    const [red, blue] = await mesh.addPods();
    if (!red || !blue) throw new Error("two pods wanted");
    await pingAll(blue, red);
    const { node, daemon, settings } = mesh.member(1);
    const old = [...node.podCidrs];
    const next = ["10.42.101.0/24", "fd00:42:0:65::/64"];
    const network = Object(settings.network);
    const podCIDR = { ...network.podCIDR, nodeLocal: next.join(",") };
    await daemon.after(
      () => writeSettings(node.node, { ...settings, network: { ...network, podCIDR } }),
      { message: "Read the settings again" },
    );

    // As long as a pod has an address of it the old network is served beside the new one.
    await daemon.turned();
    const gray = await node.addPod();
    assertStringIncludes(ipsOf(gray)[0] ?? "", "10.42.101.");
    await pingAll(blue, gray);
    await pingAll(blue, red);

    await node.removePod(red);
    await until("the end of the old network", async () => {
      const prefs = JSON.parse(await node.tailscale("debug", "prefs"));
      return old.every((route) => !prefs.AdvertiseRoutes.includes(route));
    });
    assertEquals(JSON.parse(await node.tailscale("debug", "prefs")).AdvertiseRoutes, next);
    const other = mesh.member(2).node.node.host;
    await until("no route to the old network", async () => {
      const routes = await other.run("ip", "route", "show", "table", "52");
      return !routes.includes(old[0] ?? "?");
    });
    await pingAll(blue, gray);
  },
);

testUnless(
  missingMesh(),
  "headcni mesh leave and join: the tailnet leads to no pod of the node, and again",
  async () => {
    await using mesh = await TestMesh.start();
    await mesh.ready();
    const [red, blue] = await mesh.addPods();
    if (!red || !blue) throw new Error("two pods wanted");
    await pingAll(blue, red);
    const { node, daemon } = mesh.member(1);
    await node.headcni("mesh", "leave");
    const advertised = async (): Promise<string[]> =>
      JSON.parse(await node.tailscale("debug", "prefs")).AdvertiseRoutes ?? [];
    assertEquals(await advertised(), []);
    await daemon.signal("SIGHUP");
    await until(
      "the daemon's word",
      async () => (await daemon.ask("/readyz")).text.includes("leave"),
    );
    assertEquals(await advertised(), []);
    await node.headcni("mesh", "join");
    await daemon.signal("SIGHUP");
    await pingAll(blue, red);
    assertEquals(await advertised(), [...node.podCidrs]);
  },
);
