/** A stand-in for the tailnet: a link of tailscaled's name and MTU, and a node elsewhere behind it. */
import { ip } from "./callers.ts";
import type { TestNetns } from "./namespace.ts";
import { bare, network, type TestNode } from "./plugin.ts";
import type { UpkeepOrder } from "./run_upkeep.ts";
import { upkeep } from "./upkeep.ts";

/** Name of the link on the node. */
export const TAILNET_DEVICE = "tailscale0";
/** A pod of the node elsewhere, in the cluster's network of the tests. */
export const REMOTE_POD = { 4: "10.9.7.2", 6: "fd00:9:7::2" } as const;
/** The node's own address in the tailnet. */
export const TAILNET_ADDRESS = { 4: "100.64.0.1", 6: "fd7a:115c:a1e0::1" } as const;

/** What the node elsewhere has. */
const REMOTE = { 4: "100.64.0.2", 6: "fd7a:115c:a1e0::2" } as const;

/**
 * Connects a node with one elsewhere. Routes are as tailscaled makes them, in table 52. The other
 * end is as large as Ethernet, as a tunnel's other end may be.
 */
export async function connectTailnet(host: TestNetns, remote: TestNetns): Promise<void> {
  const peer = `type veth peer name eth0 netns ${remote.name}`;
  await ip(host, [`link add ${TAILNET_DEVICE} index 98 mtu 1280 ${peer}`]);
  await host.run("sysctl", "-qw", `net.ipv6.conf.${TAILNET_DEVICE}.accept_dad=0`);
  await remote.run("sysctl", "-qw", "net.ipv6.conf.eth0.accept_dad=0");
  await ip(host, [
    `address add ${TAILNET_ADDRESS[4]}/32 dev ${TAILNET_DEVICE}`,
    `address add ${TAILNET_ADDRESS[6]}/128 dev ${TAILNET_DEVICE} nodad`,
    `link set ${TAILNET_DEVICE} up`,
    ...[REMOTE[4], REMOTE[6], "10.9.7.0/24", "fd00:9:7::/64"]
      .map((to) => `route add ${to} dev ${TAILNET_DEVICE} table 52`),
    "rule add priority 5270 lookup 52",
    "-6 rule add priority 5270 lookup 52",
  ]);
  await ip(remote, [
    "link set lo up",
    "link set eth0 mtu 1500 up",
    ...[REMOTE, REMOTE_POD].flatMap((addresses) => [
      `address add ${addresses[4]}/32 dev eth0`,
      `address add ${addresses[6]}/128 dev eth0 nodad`,
    ]),
    `route add default via ${TAILNET_ADDRESS[4]} dev eth0 onlink src ${REMOTE_POD[4]}`,
    `-6 route add default via ${TAILNET_ADDRESS[6]} dev eth0 onlink src ${REMOTE_POD[6]}`,
  ]);
}

/** What {@linkcode stageTailnet} makes. */
export interface TailnetStage {
  readonly pod: TestNetns;
  /** A node elsewhere that is its own pod. */
  readonly remote: TestNetns;
  /** Those of the pod. */
  readonly addresses: Readonly<Record<4 | 6, string>>;
}

/**
 * A node that is ready for its pods, one of them, and a pod elsewhere.
 * @param order what is different of the node; the pod's MTU is the node's.
 */
export async function stageTailnet(
  node: TestNode,
  order: Partial<UpkeepOrder> = {},
): Promise<TailnetStage> {
  const remote = await node.makePod("rem");
  await connectTailnet(node.host, remote);
  await upkeep(node, order);
  const pod = await node.makePod();
  const { ips: [ip4, ip6] = [] } = await node.add(pod, network({ mtu: order.mtuBytes ?? 1280 }));
  await upkeep(node, order); // a bridge takes the MTU of its first port
  return { pod, remote, addresses: { 4: bare(ip4?.address), 6: bare(ip6?.address) } };
}
