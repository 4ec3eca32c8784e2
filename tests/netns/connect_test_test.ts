/** `headcni connect-test` on a node that a daemon made ready: what it finds, and what stays. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ConnectReport } from "../../commands/admin/connect_test/report.ts";
import { type ProgramOutcome, runProgram } from "../cli/program.ts";
import { type AskedOf, FakeLocalApi } from "../fakes/local_api.ts";
import { connectOutside, serve, tellCallers } from "./callers.ts";
import { conflistPath, settingsPath, TestDaemon, writeSettings } from "./daemon.ts";
import type { TestNetns } from "./namespace.ts";
import { nodeTest, type TestNode } from "./plugin.ts";
import { connectTailnet, TAILNET_DEVICE } from "./tailnet_link.ts";

/** Seconds: long enough for any answer, short for what never comes. */
const TIMEOUT = "1";

function environmentOf(node: TestNode): Record<string, string> {
  return {
    ...node.environment,
    HEADCNI_HOST_ROOT: `${node.root}/machine`,
    HEADCNI_CONFIG: settingsPath(node),
  };
}

function connectTest(node: TestNode, ...args: readonly string[]): Promise<ProgramOutcome> {
  return runProgram({
    enter: node.enter,
    executable: node.plugin,
    args: ["connect-test", "--timeout", TIMEOUT, ...args],
    env: environmentOf(node),
  });
}

async function verdicts(node: TestNode, ...args: readonly string[]): Promise<string[]> {
  const { stdout } = await connectTest(node, "--output", "json", ...args);
  const { trials }: ConnectReport = JSON.parse(stdout);
  return trials.map(({ id, verdict }) => `${id} ${verdict}`);
}

/** The daemon's network of the tests, which a section of other settings would replace. */
const PODS = { podCIDR: { nodeLocal: "10.9.0.0/24,fd00:9::/64" } };

for (const datapath of ["bridge", "ptp"]) {
  nodeTest(`headcni connect-test: ${datapath}, all passes and nothing stays`, async (node) => {
    await (await TestDaemon.start(node, { settings: { network: { ...PODS, datapath } } })).end();
    await connectOutside(node.host, await node.makePod("out"));
    await verdicts(node);
    await node.unchangedBy([], async () => {
      const outside = ["--external", "198.51.100.2"];
      assertEquals(await verdicts(node, ...outside), [
        "attach passed",
        "gateway passed",
        "from-node passed",
        "pod-to-pod passed",
        "mtu passed",
        "other-nodes skipped",
        "other-nodes-mtu skipped",
        "dns skipped",
        "service skipped",
        "external passed",
        "detach passed",
      ]);
      const { code, stdout, stderr } = await connectTest(node, ...outside, "--verbose");
      assertEquals([code, stderr], [0, ""], stdout);
      for (const text of ["Passed 7, failed 0, skipped 4", "1280 bytes", "node -> fd00:9::"]) {
        assertStringIncludes(stdout, text);
      }
    });
  });
}

/** What breaks a node when a pod comes, what takes it back, and which trials see it. */
const BREAKAGES: readonly (readonly [broken: string, mended: string, failed: readonly string[]])[] =
  [
    ["sysctl -qw net.ipv4.ip_forward=0", "sysctl -qw net.ipv4.ip_forward=1", ["external"]],
    [
      "ip address delete 10.9.0.1/24 dev headcni0",
      "ip address add 10.9.0.1/24 brd + dev headcni0",
      ["gateway", "from-node", "mtu", "external"],
    ],
    [
      "nsenter --net=$CNI_NETNS ip link set eth0 mtu 1500",
      "true",
      ["mtu"],
    ],
    [
      "nft add table inet t; nft 'add chain inet t c { type filter hook input priority 0; " +
      "ip protocol icmp drop; }'",
      "nft delete table inet t",
      ["gateway", "from-node", "mtu"],
    ],
  ];

for (const [broken, mended, wanted] of BREAKAGES) {
  nodeTest(`headcni connect-test: sees "${broken.split(/[;|]/)[0]?.trim()}"`, async (node) => {
    const { plugin } = await stage(node);
    await node.unchangedBy([], async () => {
      await plugin.write(broken);
      const { code, stdout } = await connectTest(node, ...OUTSIDE, "--output", "json");
      const { trials }: ConnectReport = JSON.parse(stdout);
      const failed = trials.filter(({ verdict }) => verdict === "failed");
      assertEquals([code, failed.map(({ id }) => id)], [1, wanted], stdout);
      assertEquals(failed.filter(({ text, fix }) => text === "" || fix === ""), []);
      await node.host.run("sh", "-c", mended);
      await plugin.write("true");
    });
  });
}

nodeTest("headcni connect-test: name server, service and pods of other nodes", async (node) => {
  const { outside } = await stage(node);
  const remote = await node.makePod("rem");
  await connectTailnet(node.host, remote);
  await remote.run("ip", "address", "add", "10.9.7.1/32", "dev", "eth0");
  await using tailscaled = await FakeLocalApi.start(answerOfTailscaled);
  const tailscale = { mode: "host", socket: { path: tailscaled.socket } };
  await writeSettings(node, {
    tailscale,
    network: { podCIDR: { ...PODS.podCIDR, base: CLUSTER } },
  });
  const named = ["--dns", "198.51.100.2", "--service", "198.51.100.2:80"];
  const seen = async () => {
    const all = await verdicts(node, ...named);
    return all.filter((text) => /^(other-nodes|dns|service)/.test(text));
  };
  {
    await using _names = await serve(outside, "answer_dns.ts");
    await using _web = await tellCallers(outside, { name: "web" });
    assertEquals(await seen(), [
      ...["other-nodes passed", "other-nodes-mtu passed", "dns passed", "service passed"],
    ]);
  }
  await node.host.run("ip", "link", "set", TAILNET_DEVICE, "mtu", "1279");
  assertEquals(await seen(), [
    ...["other-nodes passed", "other-nodes-mtu failed", "dns failed", "service failed"],
  ]);
  await node.host.run("ip", "link", "set", TAILNET_DEVICE, "down");
  assertEquals((await seen())[0], "other-nodes failed");
});

const CLUSTER = "10.9.0.0/16";

/** A tailnet with another node, whose pods are in 10.9.7.0/24. */
function answerOfTailscaled({ path }: AskedOf): Response {
  if (path.startsWith("prefs")) return Response.json({ WantRunning: true, RouteAll: true });
  if (!path.startsWith("status")) return Response.json({});
  const peer = {
    ...{ PublicKey: "nodekey:02", HostName: "two", Online: true, TailscaleIPs: ["100.64.0.2"] },
    AllowedIPs: ["100.64.0.2/32", "10.9.7.0/24"],
  };
  const Self = { PublicKey: "nodekey:01", HostName: "one", TailscaleIPs: ["100.64.0.1"] };
  return Response.json({ BackendState: "Running", TUN: true, Self, Peer: { two: peer } });
}

nodeTest("headcni connect-test: interrupted, it takes its pods away", async (node) => {
  const { plugin } = await stage(node);
  await node.unchangedBy([], async () => {
    await plugin.write("kill -TERM $PPID");
    const { code, stdout, stderr } = await connectTest(node, "--output", "json");
    const { trials }: ConnectReport = JSON.parse(stdout);
    assertEquals([code, stderr], [1, "headcni: interrupted\n"]);
    assertEquals(trials.at(-1)?.verdict, "passed", "the pods went");
    await plugin.write("true");
  });
});

nodeTest("headcni connect-test: killed, the next run takes its pods away", async (node) => {
  const { plugin } = await stage(node);
  await node.unchangedBy([], async () => {
    await plugin.write("kill -KILL $PPID");
    assertEquals((await connectTest(node)).code, 137);
    assert((await node.storeText()).includes("headcni-connect-test-"));
    await plugin.write("true");
    assertEquals((await connectTest(node)).code, 0);
  });
});

nodeTest("headcni connect-test: without a network of ours nothing is tried", async (node) => {
  await writeSettings(node);
  const none = await connectTest(node);
  assertEquals(none.code, 1);
  assertStringIncludes(none.stdout, "Cannot find a network configuration in");
  await stage(node);
  await Deno.writeTextFile(
    `${node.root}/conf/00-other.conf`,
    '{"name":"other","cniVersion":"1.0.0","type":"bridge"}',
  );
  const other = await connectTest(node, "--output", "json");
  const { passed, failed, trials }: ConnectReport = JSON.parse(other.stdout);
  assertEquals([passed, failed], [0, 1]);
  assertStringIncludes(trials[0]?.text ?? "", "00-other.conf");
});

const OUTSIDE = ["--external", "198.51.100.2"];

/** A node that was used before, with an outside, and a plugin behind ours that breaks it. */
async function stage(node: TestNode): Promise<{ plugin: Breaker; outside: TestNetns }> {
  await (await TestDaemon.start(node)).end();
  const outside = await node.makePod("out");
  await connectOutside(node.host, outside);
  const plugin = new Breaker(node);
  await plugin.write("true");
  const list = JSON.parse(await Deno.readTextFile(conflistPath(node)));
  list.plugins.push({ type: "breaker" });
  await Deno.writeTextFile(conflistPath(node), JSON.stringify(list));
  await verdicts(node);
  return { plugin, outside };
}

/** A plugin that breaks something when a pod comes, and answers what the plugins before it did. */
class Breaker {
  readonly #node: TestNode;

  constructor(node: TestNode) {
    this.#node = node;
  }

  async write(script: string): Promise<void> {
    const path = `${this.#node.root}/bin/breaker`;
    const text = [
      "#!/bin/sh",
      "[ $CNI_COMMAND = ADD ] || exit 0",
      "sed 's/.*\"prevResult\"://; s/}$//'",
      `{ ${script}; } >&2`,
      "",
    ].join("\n");
    await Deno.writeTextFile(`${path}.new`, text, { mode: 0o755 });
    await Deno.rename(`${path}.new`, path);
  }
}
