/** What masquerade does to packets: a pod, its node, and a host outside that sees who calls. */
import { assertEquals } from "@std/assert";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../lib/linux/netlink_socket.ts";
import { ensureMasquerade, removeTable } from "../../lib/linux/nft.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { type NetnsPair, netnsTest, TestNetns } from "./namespace.ts";

/** The outside counts who pings it, and knows the way back to the pods. */
const WITNESS = `
  table inet witness {
    set callers4 { type ipv4_addr; flags dynamic; size 16; }
    set callers6 { type ipv6_addr; flags dynamic; size 16; }
    chain input {
      type filter hook input priority 0;
      icmp type echo-request add @callers4 { ip saddr }
      icmpv6 type echo-request add @callers6 { ip6 saddr }
    }
  }`;

netnsTest(
  "ensureMasquerade: hides pods from the outside, not from exempt prefixes",
  async (pair) => {
    await using outside = await TestNetns.make("out");
    await connect(pair, outside);
    using socket = pair.host.do(() => NetlinkSocket.open(NETLINK_NETFILTER));
    const exempt = ["203.0.113.0/24", "2001:db8:e::/64"].map(parsePrefix);
    const sources = ["10.9.0.0/24", "fd00:9::/64"].map(parsePrefix);
    const cases: [pods: boolean, target: string, caller: string][] = [
      [false, "198.51.100.2", "10.9.0.2"],
      [false, "2001:db8:a::2", "fd00:9::2"],
      [true, "198.51.100.2", "198.51.100.1"],
      [true, "2001:db8:a::2", "2001:db8:a::1"],
      [true, "203.0.113.2", "10.9.0.2"],
      [true, "2001:db8:e::2", "fd00:9::2"],
    ];
    for (const [masqueraded, target, caller] of cases) {
      if (masqueraded) ensureMasquerade(socket, { sources, exempt });
      assertEquals(await callers(pair.pod, outside, target), [caller], target);
    }
    // The node's own address, and another source, are no pods.
    assertEquals(await callers(pair.host, outside, "203.0.113.2"), ["198.51.100.1"]);
    await pair.pod.run("ip", "address", "add", "10.10.0.2/32", "dev", "eth0");
    assertEquals(await callers(pair.pod, outside, "198.51.100.2", "10.10.0.2"), ["10.10.0.2"]);
    removeTable(socket);
    // The outside goes in its own time, and its link with it.
    for (const link of ["pod0", "out0"]) await pair.host.run("ip", "link", "delete", link);
  },
);

/** Who the outside sees when `from` pings one of its addresses. */
async function callers(
  from: TestNetns,
  outside: TestNetns,
  target: string,
  source?: string,
): Promise<string[]> {
  await outside.run("nft", `flush ruleset; ${WITNESS}`);
  const bind = source ? ["-I", source] : [];
  await from.run("ping", "-c", "1", "-W", "5", ...bind, target);
  const { nftables } = JSON.parse(await outside.run("nft", "-j", "list", "sets"));
  return nftables.flatMap(({ set }: { set?: { elem?: string[] } }) => set?.elem ?? []);
}

/** Pod 10.9.0.2 and fd00:9::2 behind the node, the outside with two addresses of each family. */
async function connect({ host, pod }: NetnsPair, outside: TestNetns): Promise<void> {
  await ip(host, [
    `link add pod0 type veth peer name eth0 netns ${pod.name}`,
    `link add out0 type veth peer name eth0 netns ${outside.name}`,
    "address add 10.9.0.1/24 dev pod0",
    "address add fd00:9::1/64 dev pod0 nodad",
    "address add 198.51.100.1/24 dev out0",
    "address add 2001:db8:a::1/64 dev out0 nodad",
    "link set pod0 up",
    "link set out0 up",
    "route add 203.0.113.0/24 dev out0",
    "route add 2001:db8:e::/64 dev out0",
    "route add 10.10.0.2/32 dev pod0",
  ]);
  await host.run("sysctl", "-q", "-w", "net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1");
  await ip(pod, [
    "address add 10.9.0.2/24 dev eth0",
    "address add fd00:9::2/64 dev eth0 nodad",
    "link set eth0 up",
    "route add default via 10.9.0.1",
    "route add default via fd00:9::1",
  ]);
  await ip(outside, [
    "address add 198.51.100.2/24 dev eth0",
    "address add 203.0.113.2/32 dev eth0",
    "address add 2001:db8:a::2/64 dev eth0 nodad",
    "address add 2001:db8:e::2/128 dev eth0 nodad",
    "link set eth0 up",
    "route add default via 198.51.100.1",
    "route add default via 2001:db8:a::1",
  ]);
}

/** Runs commands of ip(8) in order. */
async function ip(netns: TestNetns, commands: readonly string[]): Promise<void> {
  for (const command of commands) await netns.run("ip", ...command.split(" "));
}
