/** connect-test and diagnostics on a node of a real tailnet. */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import type { ConnectReport } from "../../commands/admin/connect_test/report.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { run } from "../netns/namespace.ts";
import { missingMesh, pingAll, TestMesh } from "./tailnet/mesh.ts";

testUnless(
  missingMesh(),
  "mesh: connect-test reaches the other node's pods, and a bundle holds no key",
  async () => {
    await using mesh = await TestMesh.start({ right: "api-key", behindNat: 2 });
    await mesh.ready();
    const [red, blue] = await mesh.addPods();
    if (!red || !blue) throw new Error("two pods wanted");
    await pingAll(red, blue);
    const { node } = mesh.member(1);
    const { trials }: ConnectReport = JSON.parse(
      await node.headcni("connect-test", "--output", "json"),
    );
    const passed = trials.filter(({ verdict }) => verdict === "passed").map(({ id }) => id);
    assertEquals(passed, [
      ...["attach", "gateway", "from-node", "pod-to-pod", "mtu"],
      ...["other-nodes", "other-nodes-mtu", "detach"],
    ]);
    const remote = trials.find(({ id }) => id === "other-nodes")?.attempts ?? [];
    assertEquals(remote.map((text) => text.replace(/^.* -> /, "").replace(/ .*/, "")).toSorted(), [
      "10.42.2.1",
      "fd00:42:0:2::1",
    ]);

    const key = (await Deno.readTextFile(join(node.node.root, "api-key"))).trim();
    assert(key.length > 20);
    const bundle = join(node.node.root, "bundle.tar.gz");
    await node.headcni("diagnostics", "--output-file", bundle, "--include-logs");
    const names = (await run("tar", "-tzf", bundle)).split("\n");
    assert(names.includes("commands/mesh-check-probe.json"), names.join("\n"));
    assertEquals((await run("tar", "-xzOf", bundle)).includes(key), false);
    assertEquals(await mesh.internet.seen(), 0);
  },
);
