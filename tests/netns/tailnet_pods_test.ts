/** What pods and pods elsewhere see of each other by the link to the tailnet, with nobody's help. */
import { assertEquals } from "@std/assert";
import { callers, ip, tellCallers } from "./callers.ts";
import { TestDaemon } from "./daemon.ts";
import { InstalledPlugin } from "./installed_plugin.ts";
import type { TestNetns } from "./namespace.ts";
import { network, nodeTest, type TestNode } from "./plugin.ts";
import {
  connectTailnet,
  REMOTE_POD,
  stageTailnet,
  TAILNET_ADDRESS,
  TAILNET_DEVICE,
} from "./tailnet_link.ts";
import { upkeep } from "./upkeep.ts";

for (const variant of ["nft", "legacy"]) {
  nodeTest(
    `setForwardAccept, setLegacyForward: pods pass to and from the tailnet, iptables-${variant}`,
    async (node) => {
      const { pod, remote, addresses } = await stageTailnet(node);
      const calls = () =>
        Promise.all([
          pings(pod, REMOTE_POD[4]),
          pings(pod, REMOTE_POD[6]),
          pings(remote, addresses[4]),
          pings(remote, addresses[6]),
        ]);
      assertEquals(await calls(), [true, true, true, true]);
      // As with --netfilter-mode=off: nobody lets pass what comes or goes by the device.
      for (const tool of ["iptables", "ip6tables"]) {
        await node.host.run(`${tool}-${variant}`, "-P", "FORWARD", "DROP");
      }
      assertEquals(await calls(), [false, false, false, false]);
      assertEquals((await upkeep(node)).parts, ["forward_accept"]);
      assertEquals(await calls(), [true, true, true, true]);
    },
  );
}

nodeTest(
  "resyncDatapath: pods elsewhere see who calls, without a network of the cluster",
  async (node) => {
    const order = { clusterCidrs: [] };
    const { pod, remote, addresses } = await stageTailnet(node, order);
    const seen = async () => [
      ...await callers(pod, remote, REMOTE_POD[4]),
      ...await callers(pod, remote, REMOTE_POD[6]),
    ];
    assertEquals(await seen(), [TAILNET_ADDRESS[4], TAILNET_ADDRESS[6]]);
    const told = { ...order, remotePodCidrs: ["10.9.7.0/24", "fd00:9:7::/64"] };
    assertEquals((await upkeep(node, told)).parts, ["masquerade"]);
    assertEquals(await seen(), [addresses[4], addresses[6]]);
    // The plugin knows nothing of them, and takes nothing away.
    await node.add(await node.makePod("next"), network());
    assertEquals((await upkeep(node, told)).changes, []);
    assertEquals(await seen(), [addresses[4], addresses[6]]);
    // Where it comes first, what it wrote is completed.
    await node.host.run("nft", "delete", "table", "inet", "headcni");
    await node.add(await node.makePod("third"), network());
    assertEquals((await upkeep(node, told)).parts, ["masquerade"]);
    assertEquals(await seen(), [addresses[4], addresses[6]]);
  },
);

nodeTest(
  "resyncDatapath: a flow that began before its destination was known goes on under the pod's address",
  async (node) => {
    const order = { clusterCidrs: [] };
    const { pod, remote, addresses } = await stageTailnet(node, order);
    await using _teller = await tellCallers(remote, { name: "there" });
    await using four = new Flow(pod, REMOTE_POD[4]);
    await using six = new Flow(pod, REMOTE_POD[6]);
    const seen = () => Promise.all([four.ask(), six.ask()]);
    assertEquals(await seen(), [
      `there sees ${TAILNET_ADDRESS[4]}`,
      `there sees ${TAILNET_ADDRESS[6]}`,
    ]);
    const told = { ...order, remotePodCidrs: ["10.9.7.0/24", "fd00:9:7::/64"] };
    assertEquals((await upkeep(node, told)).parts, ["masquerade"]);
    assertEquals(await seen(), [`there sees ${addresses[4]}`, `there sees ${addresses[6]}`]);
  },
);

nodeTest("daemon: follows the MTU of the tailnet's link, and the routes by it", async (node) => {
  await connectTailnet(node.host, await node.makePod("rem"));
  await node.host.run("ip", "link", "set", TAILNET_DEVICE, "mtu", "1200");
  const podCIDR = { nodeLocal: "10.9.0.0/24" };
  // The link alone is there, without a tailscaled.
  const tailscale = { mode: "host", socket: { path: `${node.root}/none.sock` } };
  const settings = { network: { podCIDR }, tailscale };
  await using daemon = await TestDaemon.spawn(node, { settings });
  await daemon.saw({ message: "Mended the node", kind: "conflist" });
  const { subnetFile } = await InstalledPlugin.read(node);
  const mtus = async () => {
    const [, told] = /^mtu: (\d+)$/m.exec(await Deno.readTextFile(subnetFile)) ?? [];
    const [bridge] = await node.host.ip("link", "show", "dev", "headcni0");
    return [Number(told), bridge?.mtu];
  };
  assertEquals(await mtus(), [1200, 1200]);
  assertEquals(await segments(node), [1160, 1160]);
  assertEquals(await exempt(node), ["10.9.0.0/24", "10.9.7.0/24", "224.0.0.0/4"]);
  await daemon.mended(
    "mss_clamp",
    () => node.host.run("ip", "link", "set", TAILNET_DEVICE, "mtu", "1400"),
  );
  assertEquals(await mtus(), [1280, 1280]);
  assertEquals(await segments(node), [1360, 1360]);
  await daemon.mended(
    "masquerade",
    () => ip(node.host, [`route add 10.9.8.0/24 dev ${TAILNET_DEVICE} table 52`]),
  );
  assertEquals(await exempt(node), ["10.9.0.0/24", "10.9.7.0/24", "10.9.8.0/24", "224.0.0.0/4"]);
  await daemon.mended("mss_clamp", () => node.host.run("ip", "link", "delete", TAILNET_DEVICE));
  assertEquals(await segments(node), []);
  await daemon.turned();
  assertEquals(await exempt(node), ["10.9.0.0/24", "224.0.0.0/4"]);
  const reasons = (await daemon.ask("/readyz")).text.trim().split("\n");
  assertEquals(reasons.filter((reason) => !reason.startsWith("mesh: ")), []);
});

/** A socket of UDP that asks who is seen again and again. */
class Flow implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #input: WritableStreamDefaultWriter<Uint8Array<ArrayBuffer>>;
  readonly #lines: ReadableStreamDefaultReader<string>;

  constructor(from: Pick<TestNetns, "path">, address: string) {
    const script = `exec 3<>/dev/udp/${address}/80; while read -r; do echo >&3; head -n1 <&3; done`;
    this.#child = new Deno.Command("nsenter", {
      args: [`--net=${from.path}`, "bash", "-c", script],
      ...{ stdin: "piped", stdout: "piped" },
    }).spawn();
    this.#input = this.#child.stdin.getWriter();
    this.#lines = this.#child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  }

  async ask(): Promise<string> {
    await this.#input.write(new TextEncoder().encode("\n"));
    const { value = "" } = await this.#lines.read();
    return value.trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#input.close();
    await this.#lines.cancel();
    await this.#child.status;
  }
}

/** The sizes that our table lowers to. */
async function segments(node: TestNode): Promise<number[]> {
  const table = await node.host.run("nft", "list", "table", "inet", "headcni");
  return Array.from(table.matchAll(/maxseg size set (\d+)/g), ([, size]) => Number(size));
}

/** The destinations of IPv4 that see a pod's own address. */
async function exempt(node: TestNode): Promise<string[]> {
  const set = await node.host.run("nft", "list", "set", "inet", "headcni", "exempt4");
  const [, elements = ""] = /elements = \{ ([^}]*) \}/.exec(set) ?? [];
  return elements.split(",").map((element) => element.trim());
}

async function pings(from: Pick<TestNetns, "run">, target: string): Promise<boolean> {
  return await from.run("timeout", "2", "ping", "-nc", "1", target).then(() => true, () => false);
}
