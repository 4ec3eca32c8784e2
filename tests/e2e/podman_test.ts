/** Debian's podman 4.3 on networks of ours, by its CNI backend. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { exists } from "@std/fs";
import { firstLine } from "./machine.ts";
import { headcni, type Network } from "./network.ts";
import { type PodmanHost, podmanTest } from "./podman.ts";

const SUBNET = "10.89.0.0/24";
const GATEWAY = "10.89.0.1";

/** One network of defaults. */
const PODS: readonly Network[] = [{ name: "pods", plugins: [headcni(SUBNET)] }];

const WITH_PORTMAP: readonly Network[] = [{
  name: "pods",
  plugins: [headcni(SUBNET), { type: "portmap", capabilities: { portMappings: true } }],
}];

const TWO_NETWORKS: readonly Network[] = [
  ...PODS,
  {
    name: "more",
    plugins: [headcni("10.88.0.0/24", { bridge: "headcni1", isDefaultGateway: false })],
  },
];

for (const datapath of ["bridge", "ptp"]) {
  const networks = [{ name: "pods", plugins: [headcni(SUBNET, { datapath })] }];
  podmanTest(
    `two containers and the node ping each other by ${datapath}`,
    networks,
    async (host) => {
      const afterwards: string[] = [];
      for (const round of [1, 2]) {
        const [red, blue] = [`red${round}`, `blue${round}`];
        for (const name of [red, blue]) await host.startContainer(name);
        assertEquals((await host.attachments()).length, 2);
        await ping(host, red, await addressOf(host, blue));
        await ping(host, blue, await addressOf(host, red));
        await ping(host, red, GATEWAY);
        await host.netns.run("ping", "-c", "1", "-W", "2", await addressOf(host, blue));
        await host.podman("rm", "--force", "--time", "0", red, blue);
        await host.expectNoContainer();
        afterwards.push(await host.netns.snapshot());
      }
      assertEquals(afterwards[1], afterwards[0]);
    },
  );
}

podmanTest("a host port leads to the container", WITH_PORTMAP, async (host) => {
  await host.netns.run("ip", "address", "add", "192.0.2.1/32", "dev", "lo");
  await host.startContainer("web", "--publish", "8088:80");
  await host.podman("exec", "web", "httpd", "-p", "80", "-h", "/");
  const places = [`${await addressOf(host, "web")}/80`, "192.0.2.1/8088", "127.0.0.1/8088"];
  for (const place of places) assertEquals(await firstLine(host, place), "HTTP/1.1 200 OK", place);
});

for (const capabilities of [{}, { ips: true, mac: true }]) {
  const how = Object.keys(capabilities).length === 0 ? "CNI_ARGS alone" : "capabilities as well";
  const networks = [{ name: "pods", plugins: [headcni(SUBNET, { capabilities })] }];
  podmanTest(`an address and MAC of choice, by ${how}`, networks, async (host) => {
    const [ip, mac] = ["10.89.0.77", "02:00:00:00:00:77"];
    await host.startContainer("static", "--network", `pods:ip=${ip},mac=${mac}`);
    assertEquals(await addressOf(host, "static"), ip);
    const link = await host.podman("exec", "static", "ip", "address", "show", "eth0");
    assertStringIncludes(link, `inet ${ip}/24`);
    assertStringIncludes(link, `ether ${mac}`);
    await ping(host, "static", GATEWAY);
  });
}

podmanTest("a second network is connected and disconnected", TWO_NETWORKS, async (host) => {
  await host.startContainer("red");
  await host.podman("network", "connect", "more", "red");
  assertEquals((await host.attachments()).length, 2);
  assertStringIncludes(
    await host.podman("exec", "red", "ip", "address", "show", "eth1"),
    "inet 10.88.0.2/24",
  );
  await ping(host, "red", "10.88.0.1");
  await ping(host, "red", GATEWAY);
  await host.podman("network", "disconnect", "more", "red");
  assertEquals((await host.attachments()).length, 1);
  await ping(host, "red", GATEWAY);
});

podmanTest("a container whose init is killed gives all back", PODS, async (host) => {
  await host.startContainer("red");
  const pid = await host.podman("inspect", "--format", "{{.State.Pid}}", "red");
  await host.run("kill", "-KILL", pid);
  assertEquals(await host.podman("wait", "red"), "137");
});

podmanTest("listing networks asks for our versions and opens no store", PODS, async (host) => {
  assertStringIncludes(await host.podman("network", "ls"), "headcni");
  assertEquals(await exists(host.store), false);
  await host.startContainer("red");
  assertEquals(await exists(host.store), true);
});

async function addressOf(host: PodmanHost, container: string): Promise<string> {
  const format = "{{.NetworkSettings.Networks.pods.IPAddress}}";
  return await host.podman("inspect", "--format", format, container);
}

async function ping(host: PodmanHost, container: string, address: string): Promise<void> {
  await host.podman("exec", container, "ping", "-c", "1", "-W", "2", address);
}
