/** What pods left behind that are gone, taken away by the daemon. */
import { assertEquals } from "@std/assert";
import { hostLinkName, ifbName } from "../../lib/pod/identity.ts";
import { network, nodeTest, type TestNode, type TestPod } from "./plugin.ts";
import { keepResult } from "./results.ts";
import { TestNetns } from "./namespace.ts";
import { upkeep } from "./upkeep.ts";

nodeTest(
  "reconcile: frees what is left of pods that are gone, and nothing of those that are there",
  async (node) => {
    const config = network({
      capabilities: { portMappings: true, bandwidth: true },
      runtimeConfig: {
        portMappings: [{ hostPort: 8080, containerPort: 80, protocol: "tcp" }],
        bandwidth: { egressRate: 8_000_000, egressBurst: 8_000_000 },
      },
    });
    await Deno.mkdir(node.resultsDirectory);
    const live = await node.makePod("live");
    const plain = network();
    await keepResult(node, live, plain, await node.add(live, plain));
    await upkeep(node);
    const before = await state(node);
    {
      await using dead = await TestNetns.make("dead");
      await node.add(dead, config);
    }
    const report = await upkeep(node, { verb: "reconcile" });
    assertEquals(report.parts, ["host_port", "lease", "link"]);
    assertEquals(await state(node), before);
    assertEquals((await upkeep(node, { verb: "reconcile" })).changes, []);
  },
);

nodeTest("reconcile: a link that neither the store nor the runtime knows goes", async (node) => {
  await Deno.mkdir(node.resultsDirectory);
  const [lost, known, foreign] = [
    await node.makePod("lost"),
    await node.makePod("known"),
    await node.makePod("other"),
  ];
  await node.add(lost, network());
  await keepResult(node, known, network(), await node.add(known, network()));
  await node.host.run(
    ..."ip link add hct9 type veth peer name eth0 netns".split(" "),
    foreign.name,
  );
  const marked = { ...keyOf(lost), containerId: "killed" };
  await node.host.run(
    "ip",
    "link",
    "add",
    hostLinkName(marked),
    "group",
    `${0x48434e49}`,
    "type",
    "ifb",
  );
  const names = await links(node);
  assertEquals((await upkeep(node, { verb: "reconcile" })).changes, [
    { part: "link", text: hostLinkName(marked) },
  ]);
  await Deno.remove(node.dataDirectory, { recursive: true });
  assertEquals((await upkeep(node, { verb: "reconcile" })).changes, [
    { part: "link", text: hostLinkName(keyOf(lost)) },
  ]);
  const gone = [hostLinkName(marked), hostLinkName(keyOf(lost)), ifbName(keyOf(lost))];
  assertEquals(await links(node), names.filter((name) => !gone.includes(name)));
});

function keyOf(pod: TestPod) {
  return { network: "pods", containerId: pod.name, ifname: "eth0" };
}

async function links(node: TestNode): Promise<string[]> {
  return (await node.host.ip("link", "show")).map(({ ifname }) => `${ifname}`).toSorted();
}

/** Links, leases and host ports. */
async function state(node: TestNode): Promise<string> {
  const table = await node.host.run("nft", "-s", "list", "table", "inet", "headcni");
  const ports = table.split("\n").filter((line) => line.includes("8080"));
  return [...await links(node), await node.storeText(), ...ports].join("\n");
}
