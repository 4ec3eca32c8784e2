/** What host ports do to packets, called from everywhere. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { PortStage, type Role } from "./port_stage.ts";

/** Who calls which address of the node, and as whom the pod sees him. */
const CALLS: readonly [Role, string, string][] = [
  ["outside", "198.51.100.1", "198.51.100.2"],
  ["outside", "2001:db8:a::1", "2001:db8:a::2"],
  ["node", "198.51.100.1", "198.51.100.1"],
  ["node", "2001:db8:a::1", "2001:db8:a::1"],
  ["node", "127.0.0.1", "10.9.0.1"],
  ["node", "127.9.9.9", "10.9.0.1"],
  ["a", "198.51.100.1", "10.9.0.1"],
  ["a", "10.9.0.1", "10.9.0.1"],
  ["a", "2001:db8:a::1", "fd00:9::1"],
  ["b", "198.51.100.1", "10.9.0.1"],
  ["b", "10.9.0.1", "10.9.0.1"],
  ["b", "fd00:9::1", "fd00:9::1"],
];

for (const datapath of ["bridge", "ptp"] as const) {
  const name = `host ports: ${datapath}: from outside, the node, its loopback, and pods`;
  testUnless(missingRoot(), name, async () => {
    await using stage = await PortStage.make(datapath);
    await stage.serve("a");
    await stage.serve("b");
    stage.map("tcp", 8080, "a");
    stage.map("udp", 8080, "a");
    stage.map("tcp", 8081, "b");
    for (const filtersBridge of datapath === "bridge" ? ["0", "1"] : ["0"]) {
      const bridge = ["iptables", "ip6tables"].map((each) =>
        `net.bridge.bridge-nf-call-${each}=${filtersBridge}`
      );
      await stage.at("node").run("sysctl", "-qw", ...bridge);
      for (const [from, address, caller] of CALLS) {
        const call = `${from} calls ${address}, bridge-nf-call ${filtersBridge}`;
        for (const protocol of ["tcp", "udp"] as const) {
          const answer = await stage.call(from, address, 8080, protocol);
          assertEquals(answer, `a sees ${caller}`, `${call}, ${protocol}`);
        }
        assertEquals(await stage.call(from, address, 8081), `b sees ${caller}`, call);
      }
    }
    assertEquals(await stage.call("node", "::1", 8080), "nothing");
  });
}

testUnless(
  missingRoot(),
  "host ports: of one address, and gone when they are removed",
  async () => {
    await using stage = await PortStage.make();
    await stage.serve("a");
    await stage.at("node").run("ip", "address", "add", "198.51.100.7/32", "dev", "out0");
    const ports = ["198.51.100.7", "127.0.0.1", "2001:db8:a::1"]
      .flatMap((hostIp) => stage.map("tcp", 8080, "a", hostIp));
    const calls: [Role, string, string][] = [
      ["outside", "198.51.100.7", "a sees 198.51.100.2"],
      ["outside", "198.51.100.1", "nothing"],
      ["outside", "2001:db8:a::1", "a sees 2001:db8:a::2"],
      ["b", "198.51.100.7", "a sees 10.9.0.1"],
      ["a", "198.51.100.7", "a sees 10.9.0.1"],
      ["a", "10.9.0.1", "nothing"],
      ["node", "198.51.100.7", "a sees 198.51.100.7"],
      ["node", "198.51.100.1", "nothing"],
      ["node", "127.0.0.1", "a sees 10.9.0.1"],
      ["node", "127.0.0.2", "nothing"],
    ];
    for (const [from, address, answer] of calls) {
      assertEquals(await stage.call(from, address, 8080), answer, `${from} calls ${address}`);
    }
    stage.unmap(ports, "a");
    for (const [from, address] of calls) {
      assertEquals(await stage.call(from, address, 8080), "nothing", `${from} calls ${address}`);
    }
  },
);

testUnless(missingRoot(), "host ports: a flow of UDP follows them, without a pause", async () => {
  await using stage = await PortStage.make();
  await stage.serve("a");
  await stage.serve("b");
  await using caller = new UdpCaller(stage.at("outside").path, "198.51.100.1", 8080);
  await using other = new UdpCaller(stage.at("outside").path, "10.9.0.6", 80);
  stage.map("tcp", 9, "a"); // without rules for NAT the kernel remembers nothing
  // Nobody answers: until now the port is the node's, and the flow is remembered as such.
  assertEquals(await caller.call(), "nothing");
  assertEquals(await other.call(), "b sees 198.51.100.2");
  const flows = (...filter: string[]) =>
    stage.at("node").run("conntrack", "-L", "-p", "udp", ...filter);
  assertStringIncludes(await flows("--orig-dst", "198.51.100.1"), "dport=8080");
  const unrelated = await flows("--orig-dst", "10.9.0.6", "-o", "id");
  const ports = stage.map("udp", 8080, "a");
  assertEquals(await caller.call(), "a sees 198.51.100.2");
  stage.unmap(ports, "a");
  assertEquals(await caller.call(), "nothing");
  stage.map("udp", 8080, "b");
  assertEquals(await caller.call(), "b sees 198.51.100.2");
  // What has nothing to do with them is remembered all the time.
  const id = /id=\d+/.exec(unrelated)?.[0] ?? "none";
  assertStringIncludes(await flows("--orig-dst", "10.9.0.6", "-o", "id"), id);
});

testUnless(missingRoot(), "host ports: loopback of the node stays its own", async () => {
  await using stage = await PortStage.make();
  const [node, pod] = [stage.at("node"), stage.at("a")];
  await stage.serve("node", "127.0.0.1", 9000);
  stage.map("tcp", 8080, "b");
  // A pod that sends to 127.0.0.1 by its link, as the kernel lets root of it do.
  await pod.run("sysctl", "-qw", "net.ipv4.conf.eth0.route_localnet=1");
  await pod.run("ip", "address", "delete", "127.0.0.1/8", "dev", "lo");
  await pod.run("ip", "route", "add", "127.0.0.1/32", "via", "10.9.0.1", "src", "10.9.0.5");
  assertEquals(await stage.call("node", "127.0.0.1", 9000), "node sees 127.0.0.1");
  assertEquals(await stage.call("a", "127.0.0.1", 9000), "nothing");
  assertEquals(await stage.call("a", "127.0.0.1", 8080), "nothing");
  await node.run("nft", "flush", "chain", "inet", "headcni", "loopback");
  assertEquals(await stage.call("a", "127.0.0.1", 9000), "node sees 10.9.0.5", "without our guard");
});

testUnless(missingRoot(), "host ports: what others lead to pods keeps its source", async () => {
  await using stage = await PortStage.make();
  await stage.serve("a");
  await stage.serve("b");
  stage.map("tcp", 80, "b");
  // As kube-proxy leads a service, and a load balancer's address that the node has itself.
  const service = "ip daddr 10.96.0.1 tcp dport 80 dnat ip to 10.9.0.6:80";
  const balancer = "ip daddr 198.51.100.1 tcp dport 80 dnat ip to 10.9.0.6:80";
  await stage.at("node").run(
    "nft",
    "add table inet proxy; add chain inet proxy pre { type nat hook prerouting priority -110; }; " +
      `add rule inet proxy pre ${service}; add rule inet proxy pre ${balancer}`,
  );
  // Else the answer takes the short way over the bridge.
  await stage.at("node").run("sysctl", "-qw", "net.bridge.bridge-nf-call-iptables=1");
  for (const address of ["10.96.0.1", "198.51.100.1"]) {
    assertEquals(await stage.call("a", address, 80), "b sees 10.9.0.5", address);
  }
  assertEquals(await stage.call("a", "10.9.0.1", 80), "b sees 10.9.0.1");
});

testUnless(
  missingRoot(),
  "host ports: bits of the mark that are others' stay as they are",
  async () => {
    await using stage = await PortStage.make();
    await stage.serve("a");
    stage.map("tcp", 8080, "a");
    const counted = 'counter name "c"';
    await stage.at("node").run(
      "nft",
      "add table inet witness; add counter inet witness c; " +
        "add chain inet witness pre { type filter hook prerouting priority -200; }; " +
        "add rule inet witness pre meta mark set 0xff4000; " +
        "add chain inet witness post { type filter hook forward priority 0; }; " +
        `add rule inet witness post tcp flags & (syn|ack) == syn meta mark 0xff6000 ${counted}`,
    );
    assertEquals(await stage.call("b", "10.9.0.1", 8080), "a sees 10.9.0.1");
    const listing = await stage.at("node").run("nft", "list", "counter", "inet", "witness", "c");
    assertEquals(/packets (\d+)/.exec(listing)?.[1], "1");
  },
);

/** Calls by UDP from one port, again and again. */
class UdpCaller implements AsyncDisposable {
  readonly #child: Deno.ChildProcess;
  readonly #writer: WritableStreamDefaultWriter<Uint8Array>;
  readonly #reader: ReadableStreamDefaultReader<Uint8Array>;

  constructor(netns: string, address: string, port: number) {
    const program = `exec 3<>/dev/udp/${address}/${port}; while read -r line; do ` +
      "echo >&3; timeout 1 head -n 1 <&3 || echo nothing; done";
    this.#child = new Deno.Command("nsenter", {
      args: [`--net=${netns}`, "bash", "-c", program],
      stdin: "piped",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    this.#writer = this.#child.stdin.getWriter();
    this.#reader = this.#child.stdout.getReader();
  }

  /** What is answered, or `nothing`. */
  async call(): Promise<string> {
    await this.#writer.write(new TextEncoder().encode("\n"));
    const { value } = await this.#reader.read();
    return new TextDecoder().decode(value).trim();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#writer.close();
    await this.#reader.cancel();
    await this.#child.status;
  }
}
