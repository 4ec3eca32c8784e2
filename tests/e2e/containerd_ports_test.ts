/** Host ports and limits of pods by our plugin alone, as the kubelet asks containerd for them. */
import { assertEquals, assertMatch, assertRejects } from "@std/assert";
import { testUnless } from "../fakes/test_unless.ts";
import { connectOutside } from "../netns/callers.ts";
import { TestNetns } from "../netns/namespace.ts";
import { ContainerdHost, missingContainerd, type PodOptions, settled } from "./containerd.ts";
import { firstLine } from "./machine.ts";
import type { Network } from "./network.ts";

const PODS: Network = {
  name: "pods",
  plugins: [{
    type: "headcni",
    capabilities: { portMappings: true, bandwidth: true },
    ipam: {
      type: "headcni-ipam",
      ranges: [[{ subnet: "10.89.0.0/24" }], [{ subnet: "fd00:89::/64" }]],
    },
  }],
};

const HOST_PORT = 8088;

/** A pod with a host port, and limits as its owner writes them. */
const WEB: PodOptions = {
  name: "web",
  ports: [{ hostPort: HOST_PORT, containerPort: 80 }],
  annotations: {
    "kubernetes.io/ingress-bandwidth": "16M",
    "kubernetes.io/egress-bandwidth": "8M",
  },
};

/** What tc(8) says of the queue of a host link, and of an ifb. */
const LIMITS = [
  /^qdisc tbf \S+ dev veth\w+ .*rate 16Mbit/m,
  /^qdisc tbf \S+ dev ifb\w+ .*rate 8Mbit/m,
];

/** The node's addresses that {@linkcode connectOutside} gives it. */
const NODE_ADDRESSES = ["198.51.100.1", "2001:db8:a::1"];

/** What is tried on one machine; each leaves nothing behind that was not there before. */
const STEPS: Readonly<Record<string, (host: ContainerdHost) => Promise<void>>> = {
  "host port and limits work together, for both families": useBoth,
  "two pods want one host port": conflict,
  "20 pods at once": manyPods,
  "a pod that is killed, and whose namespace is gone": killedPod,
  "containerd is started again": restartedServer,
};

testUnless(missingContainerd(), "containerd: host ports and limits by our plugin", async (t) => {
  await using host = await ContainerdHost.start([PODS]);
  await host.endPod(await host.runPod(WEB)); // what belongs to the node and stays is there now
  for (const [name, fn] of Object.entries(STEPS)) {
    const isGood = await t.step(name, async () => {
      const before = await host.snapshot();
      await fn(host);
      assertEquals(await queues(host), "");
      assertEquals(await host.snapshot(), before);
    });
    if (!isGood) await host.endPods(); // the next step needs the port
  }
  await host.expectNoContainer();
});

async function useBoth(host: ContainerdHost): Promise<void> {
  const id = await host.runPod(WEB);
  for (const limit of LIMITS) assertMatch(await queues(host), limit);
  await serve(host, id);
  await using outside = await TestNetns.make("out");
  await connectOutside(host.netns, outside);
  for (const address of NODE_ADDRESSES) {
    for (const from of [host.netns, outside]) await expectAnswer(from, address);
  }
  await expectAnswer(host.netns, "127.0.0.1");
  await host.netns.run("ip", "link", "delete", "out0");
  await host.endPod(id);
}

async function conflict(host: ContainerdHost): Promise<void> {
  const rival = { ...WEB, name: "rival" };
  const id = await host.runPod(WEB);
  const before = await host.snapshot();
  const { message } = await assertRejects(() => host.runPod(rival), Error);
  assertMatch(message, /tcp 8088.*tests\/web/s);
  assertEquals(await host.snapshot(), before);
  await serve(host, id);
  await expectAnswer(host.netns, "127.0.0.1");
  await host.endPod(id);
  const second = await host.runPod(rival);
  await serve(host, second, rival);
  await expectAnswer(host.netns, "127.0.0.1");
  await host.endPod(second);
}

/** Each with a port of its own, and limits. */
async function manyPods(host: ContainerdHost): Promise<void> {
  const pods = Array.from({ length: 20 }, (_, index) => ({
    ...WEB,
    name: `many${index}`,
    ports: [{ hostPort: HOST_PORT + index, containerPort: 80 }],
  }));
  const ids = await Promise.all(pods.map((pod) => host.runPod(pod)));
  assertEquals((await host.hostPorts()).length, pods.length * 2);
  assertEquals((await linksOf(host, "ifb")).length, pods.length);
  const last = pods.length - 1;
  await serve(host, ids[last] ?? "", pods[last]);
  await expectAnswer(host.netns, "127.0.0.1", HOST_PORT + last);
  await Promise.all(ids.map((id) => host.endPod(id)));
}

/** DEL comes without a namespace; with it the kernel took the pod's link, and nothing else. */
async function killedPod(host: ContainerdHost): Promise<void> {
  const id = await host.runPod(WEB);
  const netns = await host.netnsOf(id);
  await host.kill((await host.cri.podState(id)).pid);
  await host.removeNamespace(netns);
  await settled(async () => (await linksOf(host, "veth")).length === 0);
  assertEquals((await linksOf(host, "ifb")).length, 1);
  assertEquals((await host.hostPorts()).length, 2, "one of each family");
  await host.endPod(id);
}

async function restartedServer(host: ContainerdHost): Promise<void> {
  const id = await host.runPod(WEB);
  await serve(host, id);
  await host.stopServer("SIGKILL");
  await host.startServer();
  await expectAnswer(host.netns, "127.0.0.1");
  await host.endPod(id);
}

/** Starts a web server in a pod. */
async function serve(host: ContainerdHost, id: string, pod: PodOptions = WEB): Promise<void> {
  const container = await host.startContainer(id, pod, "sleep", "600");
  await host.cri.exec(container, "httpd", "-p", "80", "-h", "/");
}

/** Fails unless a pod's web server answers at the host port. */
async function expectAnswer(from: TestNetns, address: string, port = HOST_PORT): Promise<void> {
  const place = `${address}/${port}`;
  assertEquals(await firstLine(from, place), "HTTP/1.1 200 OK", `${from.name} to ${place}`);
}

function linksOf(host: ContainerdHost, type: string): Promise<unknown[]> {
  return host.netns.ip("link", "show", "type", type);
}

/** The lines of tc(8) about queues with a rate. */
async function queues(host: ContainerdHost): Promise<string> {
  const lines = (await host.netns.run("tc", "qdisc", "show")).split("\n");
  return lines.filter((line) => line.includes("tbf") || line.includes("ingress")).join("\n");
}
