/** The daemon's upkeep of the datapath: whatever somebody does to it is mended in one pass. */
import { assertEquals } from "@std/assert";
import { callers, connectOutside, ip } from "./callers.ts";
import { assertSameLines, bare, network, nodeTest, type TestNode } from "./plugin.ts";
import { upkeep } from "./upkeep.ts";

/** The firewall of somebody else. */
const DROPPING_TABLE = "add table inet other; add chain inet other FORWARD { type filter hook " +
  "forward priority 0; policy drop; }; add rule inet other FORWARD counter";

/** Waits until the kernel has looked for others with the addresses of a namespace: RFC 4862, 5.4. */
const DETECTED =
  "timeout 20 sh -c 'while ip -6 address show tentative | grep -q .; do sleep 0.1; done'";

/** What somebody does, and what is mended. */
const DAMAGES: readonly [string, readonly string[]][] = [
  ["nft flush table inet headcni", ["masquerade"]],
  ["nft delete table inet headcni", ["masquerade"]],
  ["nft add element inet headcni masquerade4 { 192.0.2.0/24 }", ["masquerade"]],
  ["ip rule delete priority 5100", ["rule"]],
  ["ip -6 rule delete priority 5100", ["rule"]],
  ["ip route delete unreachable 10.9.0.0/16 metric 4294967040", ["route"]],
  ["ip -6 route delete unreachable fd00:9::/32 metric 4294967040", ["route"]],
  ["ip address delete 10.9.0.1/24 dev headcni0", ["bridge_address"]],
  ["ip address delete fd00:9::1/64 dev headcni0", ["bridge_address"]],
  ["ip address flush dev headcni0 scope global", ["bridge_address"]],
  ["ip link set headcni0 mtu 1400", ["bridge"]],
  ["sysctl -qw net.ipv4.ip_forward=0", ["sysctl"]],
  ["sysctl -qw net.ipv6.conf.all.forwarding=0", ["sysctl"]],
  ["sysctl -qw net.ipv6.conf.headcni0.accept_ra=1", ["bridge"]],
];

nodeTest(
  "resyncDatapath: makes a node ready, mends each damage, and then finds nothing",
  async (node) => {
    const first = await upkeep(node);
    assertEquals(first.parts, [
      "sysctl",
      "bridge",
      "bridge_address",
      "rule",
      "route",
      "masquerade",
    ]);
    assertEquals((await upkeep(node)).changes, []);
    const pod = await node.makePod();
    const { ips = [] } = await node.add(pod, network());
    const ready = masked(await node.snapshot([pod]));
    assertEquals((await upkeep(node)).changes, []);
    for (const [damage, parts] of DAMAGES) {
      await node.host.run("sh", "-c", damage);
      assertEquals((await upkeep(node)).parts, parts, damage);
      assertSameLines(masked(await node.snapshot([pod])), ready, damage);
      assertEquals((await upkeep(node)).changes, [], damage);
    }
    for (const { gateway } of ips) await pod.run("ping", "-c", "1", "-W", "2", bare(gateway));
  },
);

nodeTest(
  "resyncDatapath: a bridge without a link-local address asks for pods again",
  async (node) => {
    const outside = await node.makePod("out");
    await connectOutside(node.host, outside);
    await upkeep(node);
    const pod = await node.makePod();
    const { ips = [] } = await node.add(pod, network());
    const target = ips.map(({ address }) => bare(address)).find((text) => text.includes(":")) ?? "";
    // A router whom no neighbour knows asks by no other address: ndisc_send_ns() of the kernel.
    const asks = async () => {
      await node.host.run("ip", "-6", "neighbour", "flush", "dev", "headcni0");
      const ping = ["ping", "-c", "1", "-W", "2", target];
      return await outside.run(...ping).then(() => true, () => false);
    };
    assertEquals(await asks(), true);
    await node.host.run("ip", "-6", "address", "flush", "dev", "headcni0", "scope", "link");
    assertEquals(await asks(), false);
    assertEquals((await upkeep(node)).parts, ["bridge_address"]);
    assertEquals(await asks(), true);
    assertEquals((await upkeep(node)).changes, []);
  },
);

nodeTest("resyncDatapath: a bridge that is down or gone carries its pods again", async (node) => {
  await upkeep(node);
  const [a, b] = [await node.makePod("a"), await node.makePod("b")];
  const { ips = [] } = await node.add(a, network());
  await node.add(b, network());
  const isReached = async () => {
    for (const { address } of ips) await b.run("ping", "-c", "1", "-W", "2", bare(address));
  };
  await node.host.run("ip", "link", "set", "headcni0", "down");
  // The addresses of IPv6 go with the link; the routes of both families too.
  assertEquals((await upkeep(node)).parts, ["bridge", "bridge_address"]);
  await isReached();
  await node.host.run("ip", "link", "delete", "headcni0");
  assertEquals((await upkeep(node)).parts, ["bridge", "bridge_address", "bridge_port"]);
  await isReached();
  assertEquals((await upkeep(node)).changes, []);
});

nodeTest(
  "resyncDatapath: another PodCIDR keeps the old one as long as pods are of it",
  async (node) => {
    await upkeep(node);
    const [old, young] = [await node.makePod("old"), await node.makePod("young")];
    const { ips = [] } = await node.add(old, network());
    const next = { podCidrs: ["10.8.0.0/24"], gateways: ["10.8.0.1/24"] };
    assertEquals((await upkeep(node, next)).parts, ["bridge_address", "rule", "masquerade"]);
    assertEquals((await upkeep(node, next)).changes, []);
    const config = network({ ipam: { type: "headcni-ipam", subnet: "10.8.0.0/24" } });
    await node.add(young, config);
    assertEquals((await upkeep(node, next)).changes, []);
    for (const { address, gateway } of ips) {
      await old.run("ping", "-c", "1", "-W", "2", bare(gateway));
      await node.host.run("ping", "-c", "1", "-W", "2", bare(address));
    }
    await old.run("ping", "-c", "1", "-W", "2", "10.8.0.2");
    assertEquals(await sources(node), ["10.8.0.0/24", "10.9.0.0/24", "fd00:9::/64"]);
    await node.del(old, network());
    assertEquals((await upkeep(node, next)).parts, ["bridge_address", "rule", "masquerade"]);
    assertEquals(await sources(node), ["10.8.0.0/24"]);
    assertEquals((await upkeep(node, next)).changes, []);
    const addresses = await node.host.run("ip", "-o", "address", "show", "dev", "headcni0");
    assertEquals([...addresses.matchAll(/inet6? (?!fe80)(\S+)/g)].map(([, text]) => text), [
      "10.8.0.1/24",
    ]);
  },
);

nodeTest(
  "resyncDatapath: masquerade of other networks lives as long as their pods",
  async (node) => {
    const other = network({
      name: "other",
      bridge: "other0",
      ipam: { type: "headcni-ipam", subnet: "10.7.0.0/24" },
      service_cidr: "192.0.2.0/24",
    });
    const open = network({
      name: "open",
      bridge: "open0",
      ipMasq: false,
      ipam: { type: "headcni-ipam", subnet: "10.6.0.0/24" },
    });
    const foreign = network({
      name: "foreign",
      bridge: "foreign0",
      ipam: { type: "host-local", subnet: "10.5.0.0/24", dataDir: `${node.root}/host-local` },
    });
    const configs = [other, open, foreign];
    const pods = [];
    for (const config of configs) {
      const pod = await node.makePod(`${config.name}`);
      await node.add(pod, config);
      pods.push(pod);
    }
    await upkeep(node);
    assertEquals((await upkeep(node)).changes, []);
    const ours = ["10.9.0.0/24", "fd00:9::/64"];
    assertEquals(await sources(node), ["10.5.0.0/24", "10.7.0.0/24", ...ours]);
    await node.host.run("nft", "delete", "table", "inet", "headcni");
    await upkeep(node);
    assertEquals(await sources(node), ["10.5.0.0/24", "10.7.0.0/24", ...ours]);
    await upkeep(node, { ipMasq: false });
    assertEquals(await sources(node), ["10.5.0.0/24", "10.7.0.0/24"]);
    for (const [i, config] of configs.entries()) {
      const pod = pods[i];
      if (pod) await node.del(pod, config);
    }
    await upkeep(node, { ipMasq: false });
    assertEquals(await sources(node), []);
  },
);

nodeTest(
  "resyncDatapath: touches nothing of others, and removal leaves it to them",
  async (node) => {
    await node.host.run("sysctl", "-qw", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
    await ip(node.host, [
      "link set lo up",
      "link add headcni0 type bridge",
      "address add 192.0.2.1/24 dev headcni0",
      "rule add priority 5100 to 10.7.0.0/16 lookup main",
      "rule add priority 5101 to 10.9.0.0/24 lookup 52",
      "route add unreachable 10.7.0.0/16 metric 4294967040",
      "route add 10.9.0.0/16 dev lo metric 5",
    ]);
    await node.host.run("nft", DROPPING_TABLE);
    const removeOurs = async () => {
      const { parts } = await upkeep(node, { verb: "remove" });
      assertEquals(parts, ["rule", "route", "masquerade", "forward_accept"]);
      // They stay for the pods that are there.
      await ip(node.host, ["10.9.0.1", "fd00:9::1"].map((to) => `address flush to ${to}`));
    };
    // The bridge has the MTU of ours then, so that only what is its owner's is compared.
    await upkeep(node);
    await removeOurs();
    await node.host.run("sh", "-c", DETECTED); // else routes of the bridge's own address come later
    const before = await node.host.snapshot();
    await upkeep(node);
    const during = (await node.host.snapshot()).split("\n");
    const gone = before.split("\n").filter((line) => !during.includes(line));
    // The line of the bridge has its addresses too, and now there are more of them.
    assertEquals(gone.filter((line) => !line.includes('"ifname":"headcni0"')), []);
    await removeOurs();
    assertSameLines(masked(await node.host.snapshot()), masked(before));
  },
);

nodeTest(
  "resyncDatapath: without a tunnel nothing for pods elsewhere leaves in clear",
  async (node) => {
    const outside = await node.makePod("out");
    await connectOutside(node.host, outside);
    await ip(node.host, [
      "route add default via 198.51.100.2",
      "route add default via 2001:db8:a::2",
    ]);
    await ip(outside, [
      "address add 10.9.77.2/32 dev lo",
      "address add fd00:9:77::2/128 dev lo nodad",
    ]);
    await outside.run("ip", "link", "set", "lo", "up");
    const pod = await node.makePod();
    await node.add(pod, network());
    for (const target of ["10.9.77.2", "fd00:9:77::2"]) {
      assertEquals((await callers(pod, outside, target)).length, 1, target);
    }
    await upkeep(node);
    for (const target of ["10.9.77.2", "fd00:9:77::2"]) {
      assertEquals(await callers(pod, outside, target).catch(() => []), [], target);
    }
    assertEquals(await callers(pod, outside, "198.51.100.2"), ["198.51.100.1"]);
  },
);

/** The order in which a set lists elements, and what the kernel counts, say nothing. */
function masked(text: string): string {
  return text.replaceAll(/"handle":\d+/g, "");
}

/** What is masqueraded, both families. */
async function sources(node: TestNode): Promise<string[]> {
  const listing = JSON.parse(await node.host.run("nft", "-j", "list", "table", "inet", "headcni"));
  const sets: { name: string; elem?: { prefix: { addr: string; len: number } }[] }[] = listing
    .nftables.flatMap(({ set }: Record<string, unknown>) => set ?? []);
  return sets.filter(({ name }) => name.startsWith("masquerade"))
    .flatMap(({ elem = [] }) => elem.map(({ prefix }) => `${prefix.addr}/${prefix.len}`))
    .toSorted();
}
