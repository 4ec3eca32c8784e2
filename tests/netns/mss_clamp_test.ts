/** Segments of pods by the tailnet, with nft(8) as witness, and in real connections. */
import { assertEquals } from "@std/assert";
import { setMssClamp } from "../../lib/linux/mss_clamp.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../lib/linux/netlink_socket.ts";
import { ensureMasquerade, removeTable } from "../../lib/linux/nft.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import type { MssClamp } from "../../lib/nft/mss_clamp.ts";
import { parseGeneration, queryGeneration } from "../../lib/nft/query.ts";
import { nftRequest } from "../../lib/nft/request.ts";
import { askTeller, connectOutside, ip, tellCallers } from "./callers.ts";
import { netnsTest, type TestNetns } from "./namespace.ts";
import { nodeTest } from "./plugin.ts";
import { REMOTE_POD, stageTailnet, TAILNET_DEVICE } from "./tailnet_link.ts";
import { upkeep } from "./upkeep.ts";

const WANT: MssClamp = {
  podCidrs: ["10.1.1.0/24", "fd00:1::/64"].map(parsePrefix),
  device: { name: "tailscale0", mtuBytes: 1280 },
};
const TO = 'comment "headcni: segments of pods, to the tailnet"';
const FROM = 'comment "headcni: segments of pods, from the tailnet"';
/** The chain of {@linkcode WANT} as `nft list` shows it, a line each. */
const LISTING = [
  "table inet headcni {",
  "chain mss {",
  "type filter hook forward priority mangle; policy accept;",
  'oifname "tailscale0" ip saddr 10.1.1.0/24 ' +
  `tcp flags syn tcp option maxseg size set 1240 ${TO}`,
  'iifname "tailscale0" ip daddr 10.1.1.0/24 ' +
  `tcp flags syn tcp option maxseg size set 1240 ${FROM}`,
  'oifname "tailscale0" ip6 saddr fd00:1::/64 ' +
  `tcp flags syn tcp option maxseg size set 1220 ${TO}`,
  'iifname "tailscale0" ip6 daddr fd00:1::/64 ' +
  `tcp flags syn tcp option maxseg size set 1220 ${FROM}`,
  "}",
  "}",
];

netnsTest("setMssClamp: makes what nft(8) makes of the same commands, once", async (pair) => {
  using socket = openSocket(pair.host);
  const commands = setMssClamp(socket, WANT);
  await pair.pod.run("nft", commands.join("; "));
  assertEquals(await ruleset(pair.host), await ruleset(pair.pod));
  assertEquals(await listing(pair.host), LISTING);
  const before = generation(socket);
  assertEquals(setMssClamp(socket, WANT), []);
  assertEquals(generation(socket), before);
  removeTable(socket);
  await pair.pod.run("nft", "delete", "table", "inet", "headcni");
});

netnsTest("setMssClamp: follows the device, and mends what others did", async (pair) => {
  using socket = openSocket(pair.host);
  const masquerade = { sources: WANT.podCidrs, exempt: [] };
  ensureMasquerade(socket, masquerade);
  const without = await ruleset(pair.host);
  setMssClamp(socket, WANT);
  const whole = await ruleset(pair.host);
  const others: readonly MssClamp[] = [
    { ...WANT, device: { name: "ts1", mtuBytes: 1280 } },
    { ...WANT, device: { name: "tailscale0", mtuBytes: 1420 } },
    { ...WANT, podCidrs: WANT.podCidrs.slice(1) },
    { ...WANT, device: undefined },
  ];
  for (const want of others) {
    setMssClamp(socket, want);
    assertEquals(setMssClamp(socket, want), []);
    if (!want.device) assertEquals(await ruleset(pair.host), without);
    setMssClamp(socket, WANT);
    assertEquals(await ruleset(pair.host), whole);
  }
  const chain = "inet headcni mss";
  const damages = [
    `flush chain ${chain}`,
    `flush chain ${chain}; delete chain ${chain}`,
    `insert rule ${chain} accept`,
    `add rule ${chain} tcp flags syn tcp option maxseg size set 500`,
  ];
  for (const damage of damages) {
    await pair.host.run("nft", damage);
    setMssClamp(socket, WANT);
    assertEquals(await ruleset(pair.host), whole, damage);
  }
  // A plugin that adds a pod leaves it alone.
  assertEquals(ensureMasquerade(socket, masquerade), "present");
  removeTable(socket);
});

nodeTest(
  "resyncDatapath: pods and whom they speak to by the tailnet agree on what it takes",
  async (node) => {
    const { pod, remote, addresses } = await stageTailnet(node, LARGE);
    const outside = await node.makePod("out");
    await connectOutside(node.host, outside);
    const clamp = { ...LARGE, tailnetDevice: TAILNET_DEVICE };
    await using _remote = await tellCallers(remote, { name: "remote" });
    await using _pod = await tellCallers(pod, { name: "pod" });
    await using _outside = await tellCallers(outside, { name: "outside" });
    const sizesOfAll = async () => ({
      out4: await sizes(pod, remote, REMOTE_POD[4]),
      out6: await sizes(pod, remote, REMOTE_POD[6]),
      in4: await sizes(remote, pod, addresses[4]),
      in6: await sizes(remote, pod, addresses[6]),
    });
    const ethernet = { out4: LARGE4, out6: LARGE6, in4: LARGE4, in6: LARGE6 };
    assertEquals(await sizesOfAll(), ethernet);
    assertEquals((await upkeep(node, clamp)).parts, ["mss_clamp"]);
    assertEquals((await upkeep(node, clamp)).changes, []);
    const fits = { out4: both(1240), out6: both(1220), in4: both(1240), in6: both(1220) };
    assertEquals(await sizesOfAll(), fits);
    // Nobody else gets smaller ones, and the pod none elsewhere.
    assertEquals(await sizes(pod, outside, "198.51.100.2"), LARGE4);
    assertEquals(await sizes(outside, remote, REMOTE_POD[4]), LARGE4);
    await node.host.run("ip", "link", "set", TAILNET_DEVICE, "mtu", "1300");
    assertEquals((await upkeep(node, clamp)).parts, ["mss_clamp"]);
    assertEquals(await sizes(pod, remote, REMOTE_POD[4]), both(1260));
    await ip(pod, ["link set eth0 mtu 1000"]);
    assertEquals(await sizes(pod, remote, REMOTE_POD[4]), { caller: [1260], called: [960] });
    await node.host.run("ip", "link", "delete", TAILNET_DEVICE);
    assertEquals((await upkeep(node, clamp)).parts, ["mss_clamp"]);
    const table = await node.host.run("nft", "list", "table", "inet", "headcni");
    assertEquals(table.includes("maxseg"), false);
  },
);

/** What each end of a connection heard of the other's segment size. */
interface Sizes {
  readonly caller: readonly number[];
  readonly called: readonly number[];
}

/** A node whose pods are as large as Ethernet. */
const LARGE = { mtuBytes: 1500 };
/** What ends say then. */
const LARGE4 = both(1460);
const LARGE6 = both(1440);

function both(bytes: number): Sizes {
  return { caller: [bytes], called: [bytes] };
}

/** Collects the segment sizes that arrive, one rule a line. */
const WITNESS = `
  table inet witness {
    set sizes { typeof tcp option maxseg size; flags dynamic; size 16; }
    chain input {
      type filter hook input priority 0;
      tcp flags syn update @sizes { tcp option maxseg size }
    }
  }`;

/** Connects to the port of a teller. */
async function sizes(
  from: Pick<TestNetns, "run">,
  to: Pick<TestNetns, "run">,
  target: string,
): Promise<Sizes> {
  for (const place of [from, to]) {
    await place.run("nft", `table inet witness; delete table inet witness; ${WITNESS}`);
  }
  await askTeller(from, target, 80);
  return { caller: await heard(from), called: await heard(to) };
}

async function heard(place: Pick<TestNetns, "run">): Promise<number[]> {
  const list = await place.run("nft", "-j", "list", "set", "inet", "witness", "sizes");
  const { nftables } = JSON.parse(list);
  return nftables.flatMap(({ set }: { set?: { elem?: number[] } }) => set?.elem ?? []);
}

function openSocket(netns: TestNetns): NetlinkSocket {
  return netns.do(() => NetlinkSocket.open(NETLINK_NETFILTER));
}

/** How many transactions the namespace has seen. */
function generation(socket: NetlinkSocket): number {
  const { call, flags, attributes } = queryGeneration();
  return parseGeneration(socket.request(nftRequest(call, flags, attributes), call, "count"));
}

/** The ruleset as nft(8) sees it, an object a line, without handles. */
async function ruleset(netns: TestNetns): Promise<string[]> {
  const { nftables } = JSON.parse(await netns.run("nft", "-j", "list", "ruleset"));
  return Array.from(
    nftables,
    (object) => JSON.stringify(object, (key, value) => key === "handle" ? undefined : value),
  );
}

async function listing(netns: TestNetns): Promise<string[]> {
  return (await netns.run("nft", "list", "ruleset")).trim().split("\n").map((line) => line.trim());
}
