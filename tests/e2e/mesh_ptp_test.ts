/** A mesh of nodes with datapath `ptp`, and a node of it that is taken away. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { testUnless } from "../fakes/test_unless.ts";
import { writeSettings } from "../netns/daemon.ts";
import { missingMesh, pingAll, pingNone, TestMesh } from "./tailnet/mesh.ts";

/** What of the check is looked at. */
interface Check {
  readonly conditions: readonly { readonly id: string; readonly verdict: string }[];
  readonly probes: readonly { readonly verdict: string; readonly text: string }[];
}

testUnless(
  missingMesh(),
  "mesh: datapath ptp is probed for what can be told, and a node is deregistered",
  async () => {
    await using mesh = await TestMesh.start({ right: "api-key" });
    await mesh.ready();
    for (const { node, daemon, settings } of mesh.members) {
      const network = { ...Object(settings.network), datapath: "ptp" };
      await daemon.after(
        () => writeSettings(node.node, { ...settings, network }),
        { message: "Read the settings again" },
      );
      await daemon.turned();
      // The bridge of the first moments has the address that is probed.
      await node.node.host.run("ip", "link", "delete", "headcni0").catch(() => {});
    }
    const { node } = mesh.member(1);
    const check = async (): Promise<Check> =>
      JSON.parse(await node.headcni("mesh", "check", "--probe", "--output", "json"));
    const verdictsOf = ({ probes }: Check) => [...new Set(probes.map(({ verdict }) => verdict))];

    // Without a pod there is no address to send from, nor one that answers.
    const empty = await check();
    assertEquals([empty.probes.length, verdictsOf(empty)], [2, ["unknown"]]);
    for (const { text } of empty.probes) assertStringIncludes(text, "no address");
    const red = await node.addPod();
    const half = await check();
    assertEquals(verdictsOf(half), ["unknown"], JSON.stringify(half.probes));
    for (const { text } of half.probes) assertStringIncludes(text, "does not answer");
    const blue = await mesh.member(2).node.addPod();
    await pingAll(red, blue);
    const whole = await check();
    assertEquals(verdictsOf(whole), ["pass"], JSON.stringify(whole.probes));
    assertEquals(whole.conditions.filter(({ verdict }) => verdict !== "pass"), []);

    // The node is taken away: nobody is led to it, and Headscale knows it no more.
    const { id } = await mesh.listed(1);
    const said = await node.headcni("mesh", "leave", "--deregister");
    for (const text of ["approved no more", "logged out", "deleted in Headscale"]) {
      assertStringIncludes(said, text);
    }
    assertEquals((await mesh.headscale.listNodes()).filter((each) => each.id === id), []);
    await pingNone(blue, red);
    const { BackendState } = JSON.parse(await node.tailscale("status", "--json"));
    assertEquals(BackendState, "NeedsLogin");
    // A second time there is nothing left to do.
    assertStringIncludes(await node.headcni("mesh", "leave"), "Nothing of ours");
    assertEquals(await mesh.internet.seen(), 0);
  },
);
