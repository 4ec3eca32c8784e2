/** Firewalls of others that drop what is forwarded: pods pass all the same, and nobody else does. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { connectOutside, ip } from "./callers.ts";
import { network, nodeTest, type TestNode, type TestPod } from "./plugin.ts";
import { upkeep } from "./upkeep.ts";

/** Jumps and accepts as tools of others make them, in the words of iptables. */
const DOCKER_LIKE = [
  "-N DOCKER-USER",
  "-N DOCKER-FORWARD",
  "-A DOCKER-USER -j RETURN",
  "-A DOCKER-FORWARD -i docker0 -j ACCEPT",
  "-A FORWARD -j DOCKER-USER",
  "-A FORWARD -j DOCKER-FORWARD",
  "-P FORWARD DROP",
];
const UFW_LIKE = [
  "-N ufw-before-forward",
  "-N ufw-reject-forward",
  "-A ufw-before-forward -m comment --comment established -s 192.0.2.0/24 -j ACCEPT",
  "-A FORWARD -j ufw-before-forward",
  "-A FORWARD -j ufw-reject-forward",
  "-P FORWARD DROP",
];
/** Rules without an address match both families. */
const bothFamilies = (variant: string, lines: readonly string[]) => [
  ...lines.map((line) => `iptables-${variant} ${line}`),
  ...lines.map((line) => `ip6tables-${variant} ${line.replace("192.0.2.0/24", "2001:db8::/64")}`),
];

const OUTSIDE4 = ["198.51.100.2"];
const OUTSIDE = [...OUTSIDE4, "2001:db8:a::2"];
/** The neighbour on the bridge, and the outside. */
const TARGETS = ["10.9.0.3", "fd00:9::3", ...OUTSIDE];

const FIREWALLS: Readonly<Record<string, readonly string[]>> = {
  "iptables-nft": bothFamilies("nft", ["-P FORWARD DROP"]),
  "iptables-legacy": bothFamilies("legacy", ["-P FORWARD DROP"]),
  "iptables-nft with chains as of Docker": bothFamilies("nft", DOCKER_LIKE),
  "iptables-legacy with chains as of Docker": bothFamilies("legacy", DOCKER_LIKE),
  "iptables-nft with chains as of ufw": bothFamilies("nft", UFW_LIKE),
  "nftables, two tables": [
    "nft 'add table inet fw; add chain inet fw pass { type filter hook forward priority -5; " +
    "policy drop; }; add rule inet fw pass ct state invalid counter drop'",
    "nft 'add table ip old; add chain ip old pass { type filter hook forward priority 10; " +
    "policy drop; }; add rule ip old pass meta mark set meta mark'",
  ],
};

for (const [name, commands] of Object.entries(FIREWALLS)) {
  nodeTest(`setForwardAccept, LegacyForward: ${name}`, async (node) => {
    const { pod, stranger } = await stage(node);
    assertEquals(await answering(pod), TARGETS);
    assertEquals(await answering(stranger, OUTSIDE4), OUTSIDE4);
    for (const command of commands) await node.host.run("sh", "-c", command);
    const before = await firewall(node);
    // Whether pods of one bridge see each other is up to net.bridge.bridge-nf-call-iptables.
    assertEquals(await answering(pod, OUTSIDE), []);
    assertEquals((await upkeep(node)).parts, ["forward_accept"]);
    assertEquals(await answering(pod), TARGETS);
    assertEquals(await answering(stranger, OUTSIDE4), []);
    assertEquals((await upkeep(node)).changes, []);
    await upkeep(node, { verb: "remove" });
    assertEquals(await firewall(node), before);
    assertEquals(await answering(pod, OUTSIDE), []);
  });
}

nodeTest(
  "setForwardAccept: mends what others do to it, and reads what tools wrote anew",
  async (node) => {
    await node.host.run("iptables-nft", "-P", "FORWARD", "DROP");
    await upkeep(node);
    const listed = await node.host.run("iptables-nft", "-S");
    const damages = [
      "iptables-nft -F FORWARD",
      "iptables-nft -F HEADCNI-FORWARD",
      "iptables-nft -F && iptables-nft -X HEADCNI-FORWARD",
      "iptables-nft -D HEADCNI-FORWARD 1",
      "iptables-nft -A HEADCNI-FORWARD -j DROP",
    ];
    for (const damage of damages) {
      await node.host.run("sh", "-c", damage);
      assertEquals((await upkeep(node)).parts, ["forward_accept"], damage);
      assertEquals((await upkeep(node)).changes, [], damage);
      assertEquals(sorted(await node.host.run("iptables-nft", "-S")), sorted(listed), damage);
    }
    // Saved and restored, comments and counters are written in another way.
    await node.host.run("sh", "-c", "iptables-nft-save | iptables-nft-restore");
    await upkeep(node);
    assertEquals((await upkeep(node)).changes, []);
    assertEquals(sorted(await node.host.run("iptables-nft", "-S")), sorted(listed));
    // Where it drops no more there is nothing to do for us.
    await node.host.run("iptables-nft", "-P", "FORWARD", "ACCEPT");
    await upkeep(node);
    const rest = await node.host.run("iptables-nft", "-S");
    assertEquals(rest.includes("HEADCNI"), false);
  },
);

/** The chains of firewalld 2 that a forwarded packet meets, with its default zone alone. */
const FIREWALLD = `table inet firewalld {
  chain filter_FORWARD {
    type filter hook forward priority filter + 10; policy accept;
    ct state { established, related } accept
    ct status dnat accept
    iifname "lo" accept
    jump filter_FORWARD_ZONES
    reject with icmpx admin-prohibited
  }
  chain filter_FORWARD_ZONES {
  }
}`;

nodeTest(
  "findUnknownToFirewalld: tells the command that lets pods pass, until it was run",
  async (node) => {
    const { pod } = await stage(node);
    await node.host.run("nft", FIREWALLD);
    assertEquals(await answering(pod, OUTSIDE), []);
    const { changes, warnings } = await upkeep(node);
    assertEquals(changes, [], "nothing of ours could open it");
    assertEquals(warnings, [
      "firewalld rejects the packets of 10.9.0.0/16, fd00:9::/32: firewall-cmd --permanent " +
      "--zone=trusted --add-source=10.9.0.0/16 --add-source=fd00:9::/32 && firewall-cmd --reload",
    ]);
    const accept = (match: string) =>
      node.host.run(..."nft add rule inet firewalld filter_FORWARD_ZONES".split(" "), match);
    await accept("ip saddr 10.9.0.0/16 accept");
    const [rest = ""] = (await upkeep(node)).warnings;
    assertStringIncludes(rest, "packets of fd00:9::/32:");
    await accept("ip6 saddr fd00:9::/32 accept");
    assertEquals((await upkeep(node)).warnings, []);
    assertEquals(await answering(pod, OUTSIDE), OUTSIDE);
  },
);

/** Two pods, an outside, and somebody else, on a node that is ready for them. */
async function stage(node: TestNode): Promise<Record<"pod" | "stranger", TestPod>> {
  const outside = await node.makePod("out");
  await connectOutside(node.host, outside);
  await upkeep(node);
  const pod = await node.makePod();
  await node.add(pod, network());
  await node.add(await node.makePod("next"), network());
  return { pod, stranger: await addStranger(node) };
}

/** Which targets answer a pod. */
async function answering(from: Pick<TestPod, "run">, targets = TARGETS): Promise<string[]> {
  const pings = targets.map((target) =>
    from.run("timeout", "1", "ping", "-nc", "1", target).then(() => [target], () => [])
  );
  return (await Promise.all(pings)).flat();
}

/** Somebody on the node who is no pod of ours. */
async function addStranger(node: TestNode): Promise<TestPod> {
  const stranger = await node.makePod("str");
  await ip(node.host, [
    `link add str0 type veth peer name eth0 netns ${stranger.name}`,
    "address add 192.0.2.1/24 dev str0",
    "link set str0 up",
  ]);
  await ip(stranger, [
    "address add 192.0.2.77/24 dev eth0",
    "link set eth0 up",
    "route add default via 192.0.2.1",
  ]);
  return stranger;
}

/** All that the tools list, without what they count, and without our own table. */
async function firewall(node: TestNode): Promise<string> {
  const list = "nft list ruleset; for t in iptables ip6tables; do " +
    "$t-legacy -S; $t-nft -S 2>&1; done | grep -v '^#'";
  const text = await node.host.run("sh", "-c", list);
  const others = text.replace(/^table inet headcni {.*?^}$\n/ms, "");
  return others.replaceAll(/ (counter )?packets \d+ bytes \d+/g, "");
}

function sorted(text: string): string[] {
  return text.trim().split("\n").map((line) => line.replace(/ -m comment --comment "[^"]*"/, ""))
    .toSorted();
}
