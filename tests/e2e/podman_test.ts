/** Debian's podman 4.3 on networks of ours, by its CNI backend. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { exists } from "@std/fs";
import { fromFileUrl } from "@std/path";
import { HEADCNI } from "../cli/shipped.ts";
import { firstLine } from "./machine.ts";
import { headcni, type Network } from "./network.ts";
import { type PodmanHost, podmanTest } from "./podman.ts";

const SUBNET = "10.89.0.0/24";
const GATEWAY = "10.89.0.1";

const PORT_MAPPINGS = { capabilities: { portMappings: true } };

/** Where podman tells the namespace of a container. */
const SANDBOX = "{{.NetworkSettings.SandboxKey}}";

/** Who calls DEL when a container ends, and what ends then. */
const PIDS = ["ConmonPid", "Pid"];

const ANSWER_DATAGRAM = fromFileUrl(new URL("answer_datagram.ts", import.meta.url));

/** How many containers are started at once. */
const CONTAINERS = 30;

/** One network of defaults. */
const PODS: readonly Network[] = [{ name: "pods", plugins: [headcni(SUBNET)] }];

/** Who leads host ports to containers, and how `pods` says so. */
const HOST_PORTS: Readonly<Record<string, Network["plugins"]>> = {
  "Debian's portmap": [headcni(SUBNET), { type: "portmap", ...PORT_MAPPINGS }],
  "our own plugin": [headcni(SUBNET, PORT_MAPPINGS)],
};

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

for (const [how, plugins] of Object.entries(HOST_PORTS)) {
  const networks = [{ name: "pods", plugins }];
  podmanTest(
    `host ports of TCP and UDP lead to the container by ${how}`,
    networks,
    async (host) => {
      await host.netns.run("ip", "address", "add", "192.0.2.1/32", "dev", "lo");
      await host.startContainer("web", "--publish", "8088:80", "--publish", "5353:53/udp");
      await host.podman("exec", "web", "httpd", "-p", "80", "-h", "/");
      const places = [`${await addressOf(host, "web")}/80`, "192.0.2.1/8088", "127.0.0.1/8088"];
      for (const place of places) {
        assertEquals(await firstLine(host.netns, place), "HTTP/1.1 200 OK", place);
      }
      assertEquals(await askByDatagram(host, "web", 53, "192.0.2.1/5353"), "hello");
    },
  );
}

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

const CHOICE_AND_PORTS = {
  capabilities: { ips: true, mac: true, ...PORT_MAPPINGS.capabilities },
};

podmanTest(
  "host ports lead to a container with an address and MAC of choice",
  [{ name: "pods", plugins: [headcni(SUBNET, CHOICE_AND_PORTS)] }],
  async (host) => {
    const [ip, mac] = ["10.89.0.77", "02:00:00:00:00:77"];
    const choice = ["--network", `pods:ip=${ip},mac=${mac}`];
    await host.startContainer("static", ...choice, "--publish", "8088:80");
    await host.podman("exec", "static", "httpd", "-p", "80", "-h", "/");
    assertStringIncludes(
      await host.podman("exec", "static", "ip", "address", "show", "eth0"),
      `ether ${mac}`,
    );
    for (const place of [`${ip}/80`, `${GATEWAY}/8088`, "127.0.0.1/8088"]) {
      assertEquals(await firstLine(host.netns, place), "HTTP/1.1 200 OK", place);
    }
  },
);

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

podmanTest("an address and a name of choice on a second network", TWO_NETWORKS, async (host) => {
  const more = "more:ip=10.88.0.77,mac=02:00:00:00:00:77,interface_name=more0";
  await host.startContainer("red", "--network", "pods", "--network", more);
  assertEquals((await host.attachments()).length, 2);
  const link = await host.podman("exec", "red", "ip", "address", "show", "more0");
  assertStringIncludes(link, "inet 10.88.0.77/24");
  assertStringIncludes(link, "ether 02:00:00:00:00:77");
  for (const gateway of ["10.88.0.1", GATEWAY]) await ping(host, "red", gateway);
});

podmanTest(`${CONTAINERS} containers are started and removed at once`, PODS, async (host) => {
  const names = Array.from({ length: CONTAINERS }, (_, number) => `red${number}`);
  await Promise.all(names.map((name) => host.startContainer(name)));
  const addresses = (await addressOf(host, ...names)).split("\n");
  assertEquals(new Set(addresses).size, CONTAINERS);
  await Promise.all(
    addresses.map((address) => host.netns.run("ping", "-c", "1", "-W", "5", address)),
  );
  await host.removeContainers();
  await host.expectNoContainer();
});

podmanTest("a container whose init is killed gives all back", PODS, async (host) => {
  await host.startContainer("red");
  const pid = await host.podman("inspect", "--format", "{{.State.Pid}}", "red");
  await host.run("kill", "-KILL", pid);
  assertEquals(await host.podman("wait", "red"), "137");
});

for (const [who, fields] of [["conmon", ["ConmonPid"]], ["conmon and init", PIDS]] as const) {
  podmanTest(`kill -9 of ${who}: removal by force gives all back`, PODS, async (host) => {
    await host.startContainer("red");
    await killContainer(host, "red", fields);
    assertEquals((await host.attachments()).length, 1, "nobody is left who would call DEL");
    await host.podman("rm", "--force", "--time", "0", "red");
    await host.expectNoContainer();
  });
}

podmanTest(
  "GC finds a container that podman lost, and podman removes it then",
  PODS,
  async (host) => {
    const id = await host.startContainer("red");
    const [{ hostLink = "" } = {}] = await host.attachments();
    await host.startContainer("blue");
    const netns = await host.podman("inspect", "--format", SANDBOX, "red");
    await killContainer(host, "red", PIDS);
    await host.run("umount", netns);
    await host.run("rm", netns);
    // With the namespace the kernel removes the link, when it finds the time.
    await host.run("sh", "-c", `ip link delete ${hostLink} 2>/dev/null || true`);
    const gc = ["ipam", "gc", "--grace", "0s", "--output", "json", "--store", host.store];
    const { freed } = JSON.parse(await host.run(HEADCNI, ...gc));
    assertEquals(freed.map(({ containerId }: { containerId: string }) => containerId), [id]);
    assertEquals((await host.attachments()).length, 1);
    await ping(host, "blue", GATEWAY);
  },
);

podmanTest("listing networks asks for our versions and opens no store", PODS, async (host) => {
  assertStringIncludes(await host.podman("network", "ls"), "headcni");
  assertEquals(await exists(host.store), false);
  await host.startContainer("red");
  assertEquals(await exists(host.store), true);
});

/** One address a line. */
async function addressOf(host: PodmanHost, ...containers: readonly string[]): Promise<string> {
  const format = "{{.NetworkSettings.Networks.pods.IPAddress}}";
  return await host.podman("inspect", "--format", format, ...containers);
}

/** Kills processes of a container, by their fields in its state. */
async function killContainer(
  host: PodmanHost,
  container: string,
  fields: readonly string[],
): Promise<void> {
  const format = fields.map((field) => `{{.State.${field}}}`).join(" ");
  const pids = await host.podman("inspect", "--format", format, container);
  await host.run("kill", "-KILL", ...pids.split(" "));
}

async function ping(host: PodmanHost, container: string, address: string): Promise<void> {
  await host.podman("exec", container, "ping", "-c", "1", "-W", "2", address);
}

/**
 * What a server at a UDP port of a container answers to the node's greeting.
 * @param place where the node sends it, as `<address>/<port>`.
 */
async function askByDatagram(
  host: PodmanHost,
  container: string,
  port: number,
  place: string,
): Promise<string> {
  const netns = await host.podman("inspect", "--format", SANDBOX, container);
  const ask = `exec 3<>/dev/udp/${place}; echo hello >&3; head -n 1 <&3`;
  const server = [Deno.execPath(), "run", "-A", "--unstable-net", ANSWER_DATAGRAM, String(port)];
  const client = ["nsenter", "--net=/proc/1/ns/net", "bash", "-c", ask];
  return (await host.run("nsenter", `--net=${netns}`, "timeout", "20", ...server, ...client))
    .trim();
}
