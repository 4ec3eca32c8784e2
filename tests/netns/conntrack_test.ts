/** Flows of UDP that the kernel remembers, with conntrack(8) as witness. */
import { assertEquals } from "@std/assert";
import { listFlowsLedTo, listFlowsTo } from "../../lib/conntrack/request.ts";
import { forgetLedFlows, forgetStaleFlows } from "../../lib/linux/conntrack.ts";
import { NETLINK_NETFILTER, NetlinkSocket } from "../../lib/linux/netlink_socket.ts";
import { parseAddress } from "../../lib/net/address.ts";
import type { HostPort } from "../../lib/net/host_port.ts";
import { netnsTest, type TestNetns } from "./namespace.ts";

/** Where flows go, and from where they are answered. */
const FLOWS = [
  ["192.0.2.1", 53, "192.0.2.1", 53],
  ["192.0.2.1", 53, "10.1.0.5", 5353],
  ["192.0.2.1", 53, "10.1.0.6", 5353],
  ["192.0.2.2", 53, "192.0.2.2", 53],
  ["198.51.100.1", 53, "198.51.100.1", 53],
  ["192.0.2.1", 54, "10.1.0.5", 5353],
  ["10.1.0.5", 5353, "10.1.0.5", 5353],
  ["fd00::1", 53, "fd00::1", 53],
  ["fd00::1", 54, "fd00::5", 5353],
  ["fd00::1", 53, "fd00::5", 5353],
] as const;

netnsTest("forgetStaleFlows, forgetLedFlows: only what the ports are about", async (pair) => {
  using socket = pair.host.do(() => NetlinkSocket.open(NETLINK_NETFILTER));
  const local = ["192.0.2.1", "192.0.2.2", "fd00::1"].map(parseAddress);
  const cases: [string, () => void, number[]][] = [
    ["any address", () => forgetStaleFlows(socket, [port()], () => local), [0, 2, 3]],
    ["one address", () => forgetStaleFlows(socket, [port("192.0.2.2")], () => []), [3]],
    ["IPv6", () => forgetStaleFlows(socket, [port(undefined, "fd00::5")], () => local), [7]],
    ["removed", () => forgetLedFlows(socket, [port()]), [1]],
    ["removed, IPv6", () => forgetLedFlows(socket, [port(undefined, "fd00::5")]), [9]],
    ["another protocol", () => {
      const tcp: HostPort = { ...port(), protocol: "tcp" };
      forgetStaleFlows(socket, [tcp], () => local);
      forgetLedFlows(socket, [tcp]);
    }, []],
  ];
  for (const [name, forget, forgotten] of cases) {
    await remember(pair.host);
    forget();
    const left = await countFlows(pair.host);
    assertEquals(left, FLOWS.map((_, i) => forgotten.includes(i) ? 0 : 1), name);
    await pair.host.run("conntrack", "-F");
  }
});

netnsTest("listFlowsTo, listFlowsLedTo: the kernel sends no other flows", async (pair) => {
  using socket = pair.host.do(() => NetlinkSocket.open(NETLINK_NETFILTER));
  await remember(pair.host);
  const cases = [
    [listFlowsTo(port()), 5],
    [listFlowsTo(port("fd00::1", "fd00::5")), 2],
    [listFlowsLedTo(port()), 4],
    [listFlowsLedTo(port("fd00::1", "fd00::5")), 2],
  ] as const;
  for (const [question, amount] of cases) {
    assertEquals(socket.request(question, question.call, "list flows").length, amount);
  }
  await pair.host.run("conntrack", "-F");
});

/** Port 53 of the node, which leads to port 5353 of a pod. */
function port(hostIp?: string, target = "10.1.0.5"): HostPort {
  return {
    ...{ protocol: "udp", hostPort: 53, targetPort: 5353 },
    hostIp: hostIp === undefined ? undefined : parseAddress(hostIp),
    target: parseAddress(target),
  };
}

/** Makes the kernel remember {@linkcode FLOWS}, each from a port of its own. */
async function remember(netns: TestNetns): Promise<void> {
  for (const [i, [to, toPort, answerer, answererPort]] of FLOWS.entries()) {
    const caller = to.includes(":") ? "fd00::9" : "192.0.2.9";
    await netns.run(
      ...["conntrack", "-I", "-p", "udp", "-t", "60", "-u", "SEEN_REPLY"],
      ...["-s", caller, "-d", to, "--sport", `${4000 + i}`, "--dport", `${toPort}`],
      ...["-r", answerer, "-q", caller],
      ...["--reply-port-src", `${answererPort}`, "--reply-port-dst", `${4000 + i}`],
    );
  }
}

/** How often each of {@linkcode FLOWS} is remembered. */
async function countFlows(netns: TestNetns): Promise<number[]> {
  const listings = await Promise.all(
    ["ipv4", "ipv6"].map((family) => netns.run("conntrack", "-L", "-f", family)),
  );
  return FLOWS.map((_, i) => listings.join("").split(` sport=${4000 + i} `).length - 1);
}
