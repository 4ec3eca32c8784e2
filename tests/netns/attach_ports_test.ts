/** Host ports and limits of a pod over the whole plugin: ADD, CHECK, DEL and GC. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { hostLinkName, ifbName } from "../../lib/pod/identity.ts";
import { MAX_HOST_PORTS } from "../../lib/store/ports.ts";
import { askTeller, tellCallers } from "./callers.ts";
import { TestNetns } from "./namespace.ts";
import { network, type NetworkConfig, nodeTest, type TestPod } from "./plugin.ts";

const GATEWAY = "10.9.0.1";

/** As containerd sends them. */
const RUNTIME_CONFIG = {
  portMappings: [
    { HostPort: 8080, ContainerPort: 80, Protocol: "tcp", HostIP: "" },
    { HostPort: 5353, ContainerPort: 53, Protocol: "udp", HostIP: "" },
  ],
  bandwidth: {
    IngressRate: 10_000_000,
    IngressBurst: 4_294_967_295,
    EgressRate: 20_000_000,
    EgressBurst: 4_294_967_295,
  },
};

function full(keys: NetworkConfig = {}): NetworkConfig {
  return network({ cniVersion: "1.1.0", runtimeConfig: RUNTIME_CONFIG, ...keys });
}

function keyOf(pod: TestPod) {
  return { network: "pods", containerId: pod.name, ifname: "eth0" };
}

for (const datapath of ["bridge", "ptp"]) {
  nodeTest(
    `headcni: ${datapath} with host ports and limits, and nothing left of them`,
    async (node) => {
      const config = full({ datapath });
      await node.warmUp(config);
      await node.host.run("ip", "link", "set", "lo", "up");
      const pod = await node.makePod();
      await node.unchangedBy([pod], async () => {
        const prevResult = await node.add(pod, config);
        await using _server = await tellCallers(pod, { name: "pod" });
        assertEquals(await askTeller(node.host, "127.0.0.1", 8080), `pod sees ${GATEWAY}`);
        const queues = await node.host.run("tc", "qdisc", "show");
        const limited = [hostLinkName(keyOf(pod)), ifbName(keyOf(pod))];
        for (const link of limited) assertStringIncludes(queues, `tbf 1: dev ${link}`);
        const check = { verb: "CHECK", pod, config: { ...config, prevResult } };
        await node.succeed(check);
        await node.host.run("tc", "qdisc", "delete", "dev", limited[0] ?? "", "root");
        assertStringIncludes(await node.fail(check, 109), "has no limit");
        await node.host.run("nft", "flush", "map", "inet", "headcni", "hostports4");
        assertStringIncludes(await node.fail(check, 109), "hostports4");
        await node.del(pod, config);
        await node.del(pod, config, { CNI_NETNS: "" });
      });
    },
  );
}

nodeTest("headcni: a host port has one owner, whom the error names", async (node) => {
  const [one, two] = [await node.makePod(), await node.makePod()];
  const pod = "K8S_POD_NAMESPACE=shop;K8S_POD_NAME=web-0";
  await node.add(one, full(), { CNI_ARGS: `IgnoreUnknown=1;${pod}` });
  await node.unchangedBy([one, two], async () => {
    const text = await node.fail({ verb: "ADD", pod: two, config: full() }, 110);
    assertStringIncludes(text, "tcp 8080");
    assertStringIncludes(text, "shop/web-0");
    await node.del(two, full());
  });
  await node.del(one, full());
  await node.add(two, full());
  await node.del(two, full());
});

nodeTest("headcni: two networks of a container share its host ports", async (node) => {
  const [first, second] = [full(), full({ name: "more", bridge: "more0" })];
  const pod = await node.makePod();
  const env = { CNI_IFNAME: "eth1" };
  await node.add(pod, first);
  await node.add(pod, second, env);
  const link = hostLinkName(keyOf(pod));
  const ports = () => node.host.run("nft", "list", "map", "inet", "headcni", "hostports4");
  const elements = (await ports()).match(/comment "[^"]+"/g) ?? [];
  assertEquals(elements.length > 0 && elements.every((text) => text.includes(link)), true);
  await node.del(pod, second, env);
  assertStringIncludes(await ports(), link);
  await node.del(pod, first);
  assertEquals((await ports()).includes(link), false);
});

nodeTest("headcni: as many host ports as there can be, and nothing left of them", async (node) => {
  // Each is one of IPv4 and one of IPv6.
  const ports = Array.from({ length: MAX_HOST_PORTS / 2 }, (_, i) => 30_000 + i);
  const portMappings = ports.map((port) => ({ hostPort: port, containerPort: port }));
  const config = network({ runtimeConfig: { portMappings } });
  await node.warmUp(config);
  const pod = await node.makePod();
  await node.unchangedBy([pod], async () => {
    const prevResult = await node.add(pod, config);
    await node.succeed({ verb: "CHECK", pod, config: { ...config, prevResult } });
    const { nftables } = JSON.parse(
      await node.host.run("nft", "-j", "list", "map", "inet", "headcni", "hostports4"),
    );
    assertEquals(nftables.at(-1).map.elem.length, ports.length);
    await node.del(pod, config);
  });
  const one = { hostPort: 80, containerPort: 80 };
  const more = network({ runtimeConfig: { portMappings: [...portMappings, one] } });
  const text = await node.fail({ verb: "ADD", pod, config: more }, 7);
  assertStringIncludes(text, "2000 can be mapped");
  await node.del(pod, more);
});

nodeTest("headcni: host ports and limits of a pod whose DEL was lost go with GC", async (node) => {
  const config = full();
  await node.warmUp(config);
  const pod = await node.makePod();
  await node.unchangedBy([], async () => {
    {
      await using lost = await TestNetns.make("lost");
      await node.add(lost, config);
    }
    const gc = { ...config, "cni.dev/valid-attachments": [] };
    await node.succeed({ verb: "GC", config: gc });
  });
  await node.add(pod, config);
  await node.del(pod, config);
});

nodeTest("headcni: what leads to a pod that is gone makes room for the next", async (node) => {
  const config = full();
  const lost = await node.makePod("lost");
  await node.add(lost, config);
  await node.host.run("ip", "link", "delete", hostLinkName(keyOf(lost)));
  await Deno.remove(node.dataDirectory, { recursive: true });
  const pod = await node.makePod();
  await node.add(pod, config);
  await using _server = await tellCallers(pod, { name: "pod" });
  await node.host.run("ip", "link", "set", "lo", "up");
  assertEquals(await askTeller(node.host, "127.0.0.1", 8080), `pod sees ${GATEWAY}`);
});

nodeTest("headcni: DEL finds the host ports of a pod whose record was lost", async (node) => {
  const config = full();
  await node.warmUp(config);
  const pod = await node.makePod();
  await node.unchangedBy([pod], async () => {
    await node.add(pod, config);
    await Deno.remove(node.dataDirectory, { recursive: true });
    await node.del(pod, config);
  });
});

nodeTest(
  "headcni: mappings and limits that make no sense are refused together with nothing done",
  async (node) => {
    const pod = await node.makePod();
    const cases: [runtimeConfig: NetworkConfig, text: string][] = [
      [{ portMappings: [{ hostPort: 70_000, containerPort: 80 }] }, "0.hostPort"],
      [
        { portMappings: [{ hostPort: 80, containerPort: 80, protocol: "icmp" }] },
        "tcp, udp or sctp",
      ],
      [{ portMappings: [{ hostPort: 80, containerPort: 80, hostIP: "x" }] }, "hostIP"],
      [{ bandwidth: { ingressRate: 1000 } }, "ingressBurst"],
    ];
    await node.unchangedBy([pod], async () => {
      for (const [runtimeConfig, text] of cases) {
        const config = network({ runtimeConfig });
        assertStringIncludes(await node.fail({ verb: "ADD", pod, config }, 7), text);
        await node.del(pod, config);
      }
    });
  },
);
