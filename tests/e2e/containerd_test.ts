/** Debian's containerd 1.6 and its CRI plugin on networks of ours, told what to do as by a kubelet. */
import { assert, assertEquals, assertNotEquals, assertRejects } from "@std/assert";
import { exists } from "@std/fs";
import { join } from "@std/path";
import { HEADCNI } from "../cli/shipped.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { connectOutside } from "../netns/callers.ts";
import { TestNetns } from "../netns/namespace.ts";
import { ContainerdHost, missingContainerd, settled } from "./containerd.ts";
import { isDeadline } from "./cri.ts";
import { firstLine } from "./machine.ts";
import { headcni, type Network, writeConflist } from "./network.ts";

const PODS: Network = {
  name: "pods",
  plugins: [{
    type: "headcni",
    ipam: {
      type: "headcni-ipam",
      ranges: [[{ subnet: "10.89.0.0/24" }], [{ subnet: "fd00:89::/64" }]],
    },
  }],
};

/** Those of the node in that network, and of a pod's own loopback interface. */
const GATEWAYS = ["10.89.0.1", "fd00:89::1"];
const LOOPBACK = ["127.0.0.1", "::1"];

/** Networks whose host ports lead to pods, by who sees to that. */
const WITH_HOST_PORTS: readonly Network[] = [
  {
    name: "portmap",
    plugins: [
      headcni("10.88.0.0/24", { bridge: "ports0" }),
      { type: "portmap", capabilities: { portMappings: true } },
    ],
  },
  {
    name: "native",
    plugins: [
      headcni("10.85.0.0/24", {
        bridge: "ports1",
        capabilities: { portMappings: true, bandwidth: true },
      }),
    ],
  },
];

/** What a network leaves on the node when its last pod is gone: the bridge alone. */
const NO_TRACES = { isGateway: false, ipMasq: false };

/** ADD of the last member never ends. */
const HANGING: Network = {
  name: "hanging",
  plugins: [headcni("10.87.0.0/24", NO_TRACES), { type: "hang" }],
};

/** ADD of the last member of our own chain never ends. */
const CHAINED: Network = {
  name: "chained",
  plugins: [{
    type: "headcni",
    plugins: [headcni("10.84.0.0/24", NO_TRACES), { type: "hang" }],
  }],
};

/** ADD of ours never ends, for it waits for another. */
const WAITING: Network = {
  name: "waiting",
  plugins: [{ type: "headcni", ...NO_TRACES, ipam: { type: "hang" } }],
};

/** The last member fails for one pod, in ADD and in DEL. */
const BROKEN: Network = {
  name: "broken",
  plugins: [headcni("10.86.0.0/24", NO_TRACES), { type: "broken" }],
};

/** Tells its process, and never comes back. */
const HANG = `[ "$CNI_COMMAND" = ADD ] || exit 0
echo $$ >"\${0%/*}/../hanging"
exec sleep 600`;

/** Does nothing, by a plugin that is asked for nothing. */
const PASS = `exec "\${0%/*}/tuning"`;

const BREAK = `case "$CNI_ARGS" in *K8S_POD_NAME=bad*)
  echo '{"cniVersion": "1.0.0", "code": 100, "msg": "broken for good"}'
  exit 1
esac
${PASS}`;

/** How long a client waits first; longer where the plugin that hangs was not called by then. */
const IMPATIENT_MS = 1000;

/** What is tried on one machine; each leaves nothing behind that was not there before. */
const STEPS: Readonly<Record<string, (host: ContainerdHost) => Promise<void>>> = {
  "pods and node ping each other": pingEachOther,
  "DEL comes again, without namespace and result": repeatedDel,
  "20 pods at once": manyPods,
  "a pod that is killed, and whose namespace is gone": killedPod,
  "containerd is started again, and a pod dies meanwhile": restartedServer,
  "a later plugin is killed at the client's deadline": (host) => impatientClient(host, HANGING),
  "our plugin is killed at the client's deadline": (host) => impatientClient(host, WAITING),
  "our plugin is killed while a member runs": (host) => impatientClient(host, CHAINED),
  "containerd dies in the middle of an ADD": crashedServer,
  "CNI GC finds what a DEL that failed earlier in the chain left": collectUnlisted,
  "ipam gc finds it when the namespace is gone": collectDead,
  ...Object.fromEntries(WITH_HOST_PORTS.map((network) => [
    `a host port leads to a pod, by ${network.name}`,
    (host: ContainerdHost) => hostPort(host, network),
  ])),
};

testUnless(missingContainerd(), "containerd: pods come and go", async (t) => {
  const networks = [PODS, HANGING, WAITING, CHAINED, BROKEN, ...WITH_HOST_PORTS];
  await using host = await ContainerdHost.start(networks);
  await host.addPlugin("hang", HANG);
  await host.addPlugin("broken", BREAK);
  await host.netns.run("ip", "address", "add", "192.0.2.1/32", "dev", "lo");
  await warmUp(host);
  for (const [name, fn] of Object.entries(STEPS)) {
    const isGood = await t.step(name, async () => {
      const before = await host.snapshot();
      await fn(host);
      assertEquals(await host.snapshot(), before);
    });
    if (!isGood) await host.endPods(); // the next step needs their names
  }
  await host.expectNoContainer();
});

testUnless(missingContainerd(), "containerd: a conflist that comes later is noticed", async () => {
  await using host = await ContainerdHost.start([]);
  assertNotEquals(await host.cri.networkFault(), "");
  await assertRejects(() => host.runPod({ name: "early" }), Error, "cni plugin not initialized");
  await writeConflist(host.folder, host.netDirectory, PODS);
  await settled(async () => await host.cri.networkFault() === "");
  const late = await host.runPod({ name: "late" });
  assertEquals((await host.cri.podState(late)).ips, ["10.89.0.2", "fd00:89::2"]);
  // The early one is still there: containerd 1.6 could not even take away what it had not got.
  await host.endPods();
  await host.expectNoContainer();
});

/** A pod in each network that works, so that what belongs to the node and stays is there. */
async function warmUp(host: ContainerdHost): Promise<void> {
  const ports = [{ hostPort: 8088, containerPort: 80 }];
  for (const { name: network } of [PODS, ...WITH_HOST_PORTS]) {
    await host.endPod(await host.runPod({ name: "warm", network, ports }));
  }
}

async function pingEachOther(host: ContainerdHost): Promise<void> {
  const [red, blue] = [await host.runPod({ name: "red" }), await host.runPod({ name: "blue" })];
  const container = await host.startContainer(red, { name: "red" }, "sleep", "600");
  const { ips } = await host.cri.podState(blue);
  assertEquals(ips.length, 2);
  await ping(host, container, ...ips, ...GATEWAYS, ...LOOPBACK);
  await pingFromNode(host, ...ips);
  await Promise.all([red, blue].map((id) => host.endPod(id)));
}

/** A witness in the place of our plugin writes down what it is told, then becomes our plugin. */
async function repeatedDel(host: ContainerdHost): Promise<void> {
  const calls = join(host.folder, "calls");
  await using _witness = await host.replacePlugin(
    "headcni",
    `call=${calls}.$$
cat >$call
grep -q '"prevResult"' $call && result=" result"
echo "$CNI_COMMAND\${CNI_NETNS:+ netns}$result" >>${calls}
exec ${HEADCNI} <$call`,
  );
  await host.endPod(await host.runPod({ name: "red" }));
  assertEquals(await Deno.readTextFile(calls), "ADD netns\nDEL netns result\nDEL\n");
}

async function manyPods(host: ContainerdHost): Promise<void> {
  const names = Array.from({ length: 20 }, (_, index) => `many${index}`);
  const ids = await Promise.all(names.map((name) => host.runPod({ name })));
  const states = await Promise.all(ids.map((id) => host.cri.podState(id)));
  const addresses = states.flatMap(({ ips }) => ips);
  assertEquals(new Set(addresses).size, names.length * 2);
  await pingFromNode(host, ...addresses);
  await Promise.all(ids.map((id) => host.endPod(id)));
}

async function killedPod(host: ContainerdHost): Promise<void> {
  const id = await host.runPod({ name: "red" });
  await host.kill((await host.cri.podState(id)).pid);
  await host.removeNamespace(await host.netnsOf(id));
  await host.endPod(id);
}

async function restartedServer(host: ContainerdHost): Promise<void> {
  const [red, blue] = [await host.runPod({ name: "red" }), await host.runPod({ name: "blue" })];
  const container = await host.startContainer(red, { name: "red" }, "sleep", "600");
  const { pid } = await host.cri.podState(blue);
  await host.stopServer("SIGKILL");
  await host.kill(pid);
  await host.startServer();
  const green = await host.runPod({ name: "green" });
  await ping(host, container, ...(await host.cri.podState(green)).ips);
  await host.stopServer("SIGTERM");
  await host.startServer();
  await Promise.all([red, blue, green].map((id) => host.endPod(id)));
}

/** The client gives up, the runtime kills the plugin and has the chain undone. */
async function impatientClient(host: ContainerdHost, { name: network }: Network): Promise<void> {
  const before = await host.snapshot();
  for (let deadlineMs = IMPATIENT_MS; !await isHanging(host); deadlineMs *= 2) {
    const error = await assertRejects(() => host.runPod({ name: "red", network }, deadlineMs));
    assert(isDeadline(error), String(error));
    // When the runtime has cleared up, it tells nobody.
    await settled(async () => await host.snapshot() === before);
    assertEquals(await host.snapshot(), before);
  }
  const process = `/proc/${(await Deno.readTextFile(hangingFile(host))).trim()}`;
  await settled(async () => !await isThere(host, process));
  assertEquals(await isThere(host, process), false, "the plugin that hangs goes on");
  await Deno.remove(hangingFile(host));
  assertEquals((await host.calls(network)).at(-1), "DEL");
}

/** The next containerd knows of a pod that was not finished, and takes away what there is of it. */
async function crashedServer(host: ContainerdHost): Promise<void> {
  const started = host.runPod({ name: "red", network: HANGING.name });
  const failed = assertRejects(() => started);
  await settled(() => isHanging(host));
  await host.stopServer("SIGKILL");
  await failed;
  await Deno.remove(hangingFile(host));
  await host.startServer();
  assertEquals(await attached(host), await host.cri.listPods());
  await host.endPods();
}

async function isThere(host: ContainerdHost, path: string): Promise<boolean> {
  return await host.run("sh", "-c", `! test -e ${path} || echo yes`) !== "";
}

/** What the plugin that hangs leaves when it was called. */
function hangingFile(host: ContainerdHost): string {
  return join(host.folder, "hanging");
}

function isHanging(host: ContainerdHost): Promise<boolean> {
  return exists(hangingFile(host));
}

/** What libcni does not undo, for it stops at the first DEL that fails. */
async function leaveBehind(host: ContainerdHost): Promise<{ good: string; bad: string }> {
  const network = BROKEN.name;
  const good = await host.runPod({ name: "good", network });
  await assertRejects(() => host.runPod({ name: "bad", network }), Error, "broken for good");
  const bad = (await host.cri.listPods()).find((id) => id !== good) ?? "";
  await assertRejects(() => host.cri.stopPod(bad), Error, "broken for good");
  assertEquals(await attached(host), [good, bad].sort());
  return { good, bad };
}

async function collectUnlisted(host: ContainerdHost): Promise<void> {
  const { good, bad } = await leaveBehind(host);
  await collect(host, BROKEN, [good]);
  await expectOnly(host, good);
  await endBroken(host, [good, bad]);
}

/** CNI GC of our plugin in a network, with the containers that are valid. */
async function collect(
  host: ContainerdHost,
  { name, plugins: [ours] }: Network,
  valid: readonly string[],
): Promise<void> {
  const attachments = valid.map((containerID) => ({ containerID, ifname: "eth0" }));
  const config = { cniVersion: "1.1.0", name, ...ours };
  await host.callPlugin("GC", { ...config, "cni.dev/valid-attachments": attachments });
}

async function collectDead(host: ContainerdHost): Promise<void> {
  const { good, bad } = await leaveBehind(host);
  const gc = [HEADCNI, "ipam", "gc", "--store", host.store, "--grace", "0s", "--output", "json"];
  assertEquals(JSON.parse(await host.run(...gc)).freed, []);
  await host.removeNamespace(await host.netnsOf(bad));
  const { freed } = JSON.parse(await host.run(...gc));
  assertEquals(freed.map(({ containerId }: { containerId: string }) => containerId), [bad]);
  await expectOnly(host, good);
  await endBroken(host, [good, bad]);
}

/** Fails when another pod than this one has a lease or a link. */
async function expectOnly(host: ContainerdHost, id: string): Promise<void> {
  assertEquals(await attached(host), [id]);
  assertEquals((await host.netns.ip("link", "show", "type", "veth")).length, 1);
}

/** Repairs the plugin, so that the runtime can get rid of its pods. */
async function endBroken(host: ContainerdHost, ids: readonly string[]): Promise<void> {
  await using _repaired = await host.replacePlugin("broken", PASS);
  for (const id of ids) await host.endPod(id);
}

async function hostPort(host: ContainerdHost, { name: network }: Network): Promise<void> {
  const pod = { name: "web", network, ports: [{ hostPort: 8088, containerPort: 80 }] };
  const id = await host.runPod(pod);
  const container = await host.startContainer(id, pod, "sleep", "600");
  await host.cri.exec(container, "httpd", "-p", "80", "-h", "/");
  const { ips: [ip] } = await host.cri.podState(id);
  for (const place of [`${ip}/80`, "192.0.2.1/8088", "127.0.0.1/8088"]) {
    assertEquals(await firstLine(host.netns, place), "HTTP/1.1 200 OK", place);
  }
  await using outside = await TestNetns.make("out");
  await connectOutside(host.netns, outside);
  assertEquals(await firstLine(outside, "198.51.100.1/8088"), "HTTP/1.1 200 OK");
  await host.netns.run("ip", "link", "delete", "out0");
  await host.endPod(id);
}

/** Containers that have something, sorted. */
async function attached(host: ContainerdHost): Promise<string[]> {
  return (await host.attachments()).map(({ containerId }) => containerId).sort();
}

async function ping(
  host: ContainerdHost,
  container: string,
  ...addresses: readonly string[]
): Promise<void> {
  for (const ip of addresses) await host.cri.exec(container, "ping", "-c", "1", "-W", "2", ip);
}

async function pingFromNode(host: ContainerdHost, ...addresses: readonly string[]): Promise<void> {
  for (const ip of addresses) await host.netns.run("ping", "-c", "1", "-W", "2", ip);
}
