/** What `headcni mesh` prints where no tailnet is. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { FakeTailscaled } from "../fakes/tailscaled.ts";
import { AdminNode } from "./admin_node.ts";

/** A node with settings of a daemon. */
async function nodeWith(settings: unknown): Promise<AdminNode> {
  const node = await AdminNode.make();
  await Deno.mkdir(`${node.root}/etc/headcni`, { recursive: true });
  await Deno.writeTextFile(`${node.root}/etc/headcni/daemon.yaml`, JSON.stringify(settings));
  return node;
}

Deno.test("headcni mesh policy: the cluster's networks and tags, as text and as JSON", async () => {
  await using node = await nodeWith({
    network: { podCIDR: { base: "10.42.0.0/16" } },
    tailscale: { tags: "tag:pods" },
  });
  const { code, stdout, stderr } = await node.run("mesh", "policy");
  assertEquals([code, stderr], [0, ""]);
  for (const text of ["10.42.0.0/16", "tag:pods", "autoApprovers"]) {
    assertStringIncludes(stdout, text);
  }
  const json = await node.run(
    "mesh",
    "policy",
    "--output",
    "json",
    "--cluster-cidr",
    "10.9.0.0/16",
  );
  const { policy, clusterCidrs } = JSON.parse(json.stdout);
  assertEquals(clusterCidrs, ["10.9.0.0/16"]);
  assertStringIncludes(policy, "10.9.0.0/16");
});

Deno.test("headcni mesh policy: without the cluster's network it says where to name it", async () => {
  await using node = await nodeWith({});
  const { code, stdout, stderr } = await node.run("mesh", "policy");
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, "--cluster-cidr");
});

Deno.test("headcni mesh: without a tailscaled it says so, and without a tailnet, too", async () => {
  const socket = { path: "/nonexistent/tailscaled.sock" };
  await using node = await nodeWith({ tailscale: { socket } });
  const peers = await node.run("mesh", "peers");
  assertEquals([peers.code, peers.stdout], [1, ""]);
  assertStringIncludes(peers.stderr, "/nonexistent/tailscaled.sock");
  const check = await node.run("mesh", "check", "--output", "json");
  assertEquals(check.code, 1);
  const { ok, conditions } = JSON.parse(check.stdout);
  assertEquals([ok, conditions[0].id, conditions[0].verdict], [false, "tailscaled", "fail"]);
  const status = await node.run("mesh", "status");
  assertEquals(status.code, 0);
  assertStringIncludes(status.stdout, "start tailscaled");

  await using off = await nodeWith({ tailscale: { mode: "off" } });
  const none = await off.run("mesh", "status");
  assertEquals([none.code, none.stderr], [
    2,
    "headcni: Cannot look at the mesh: tailscale.mode is off; set it to host or own to have one\n",
  ]);
});

Deno.test("headcni mesh join: a node that had not left stays as it is", async () => {
  await using node = await nodeWith({});
  const { code, stdout } = await node.run("mesh", "join", "--output", "json");
  assertEquals([code, JSON.parse(stdout)], [0, { joined: false }]);
});

Deno.test("headcni mesh status and check: tell of settings of tailscaled that are in the way", async () => {
  await using tailscaled = await FakeTailscaled.start();
  tailscaled.prefs.NetfilterMode = 0;
  await using node = await nodeWith({ tailscale: { socket: { path: tailscaled.socket } } });
  const warning = "warning: tailscaled sets no packet filter (netfilter-mode=off)";
  for (const verb of ["status", "check"]) {
    assertStringIncludes((await node.run("mesh", verb)).stdout, warning);
    const { warnings } = JSON.parse((await node.run("mesh", verb, "--output", "json")).stdout);
    assertEquals(warnings.length, 1);
  }
});

Deno.test("headcni mesh peers --ping: how far each node is, and by which way", async () => {
  await using tailscaled = await FakeTailscaled.start();
  const peers = ["edge-8", "edge-9", "edge-10"].map((HostName, index) => ({
    ...{ HostName, PublicKey: `nodekey:${index + 2}`, TailscaleIPs: [`100.64.0.${index + 2}`] },
    ...{ AllowedIPs: [], Online: index < 2, Relay: "far" },
  }));
  tailscaled.status = { Peer: Object.fromEntries(peers.map((peer) => [peer.PublicKey, peer])) };
  const pongs = [
    { LatencySeconds: 0.0125, Endpoint: "192.0.2.1:41641" },
    { Err: "no matching peer" },
  ];
  tailscaled.answers.set("POST ping", () => Response.json(pongs.shift()));
  await using node = await nodeWith({ tailscale: { socket: { path: tailscaled.socket } } });
  const table = (await node.run("mesh", "peers", "--ping")).stdout.replaceAll(/ +/g, " ");
  for (
    const text of [
      ...["NAME ADDRESSES ROUTES ONLINE PATH PING HANDSHAKE", "192.0.2.1:41641 12.5ms"],
      ...["edge-9 100.64.0.3 - yes relay:far failed", "edge-10 100.64.0.4 - no relay:far - -"],
      "edge-9: no matching peer",
    ]
  ) assertStringIncludes(table, text);
  const [first] = JSON.parse((await node.run("mesh", "peers", "--output", "json")).stdout);
  assertEquals([first.latencyMs, first.pingError, first.path], [null, null, "relay:far"]);
});

Deno.test("headcni mesh whois: a node by its own address, or by the narrowest route to it", async () => {
  await using tailscaled = await FakeTailscaled.start();
  const routes = [["10.42.0.0/16", "0.0.0.0/0"], ["10.42.2.0/24"]];
  const peers = routes.map((AllowedIPs, index) => ({
    ...{ HostName: `edge-${index}`, PublicKey: `nodekey:${index}`, Online: true, AllowedIPs },
    TailscaleIPs: [`100.64.0.${index + 2}`],
  }));
  tailscaled.status = { Peer: Object.fromEntries(peers.map((peer) => [peer.PublicKey, peer])) };
  const names = new Map(peers.map(({ HostName, TailscaleIPs: [ip] }) => [ip, HostName]));
  tailscaled.whois = (ip) => names.get(ip);
  await using node = await nodeWith({ tailscale: { socket: { path: tailscaled.socket } } });
  const rows = [
    ["100.64.0.3", "edge-1", null],
    ["10.42.2.7", "edge-1", "10.42.2.0/24"],
    ["10.42.3.7", "edge-0", "10.42.0.0/16"],
  ] as const;
  for (const [address, name, route] of rows) {
    const { stdout } = await node.run("mesh", "whois", address, "--output", "json");
    const owner = JSON.parse(stdout);
    assertEquals([owner.address, owner.name, owner.route], [address, name, route]);
  }
  assertStringIncludes((await node.run("mesh", "whois", "10.42.2.7")).stdout, "10.42.2.0/24");
  const nobody = await node.run("mesh", "whois", "192.0.2.1");
  assertEquals([nobody.code, nobody.stdout], [1, ""]);
  assertStringIncludes(nobody.stderr, 'Cannot find the owner of "192.0.2.1"');
});
