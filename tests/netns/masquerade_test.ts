/** What masquerade does to packets: a pod, its node, and a host outside that sees who calls. */
import { assertEquals } from "@std/assert";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../lib/linux/netlink_socket.ts";
import { ensureMasquerade, removeTable } from "../../lib/linux/nft.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { callers, connectOutside, ip } from "./callers.ts";
import { type NetnsPair, netnsTest, TestNetns } from "./namespace.ts";

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

/** Pod 10.9.0.2 and fd00:9::2 behind the node, and an outside. */
async function connect({ host, pod }: NetnsPair, outside: TestNetns): Promise<void> {
  await connectOutside(host, outside);
  await ip(host, [
    `link add pod0 type veth peer name eth0 netns ${pod.name}`,
    "address add 10.9.0.1/24 dev pod0",
    "address add fd00:9::1/64 dev pod0 nodad",
    "link set pod0 up",
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
}
