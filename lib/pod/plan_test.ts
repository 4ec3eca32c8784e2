import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { formatStep } from "../host/format.ts";
import { parseAddress } from "../net/address.ts";
import type { Link } from "../net/link.ts";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { parsePodNetwork, type PodNetwork } from "./config.ts";
import { resolveAddressing } from "./addresses.ts";
import type { NodeFacts, PodIdentity } from "./facts.ts";
import { planMasquerade, planNode, planPod, podResult } from "./plan.ts";

type IpamAnswer = Parameters<typeof resolveAddressing>[1];

const IDENTITY: PodIdentity = {
  key: { network: "pods", containerId: "c1", ifname: "eth0" },
  pod: { namespace: "default", name: "web" },
  hostLink: "veth0123456789a",
};
const EMPTY_NODE: NodeFacts = {
  bridge: undefined,
  bridgeAddresses: [],
  isBridgeInUse: false,
  podRoutes: [],
  uplinkMtuBytes: 1500,
};
const BRIDGE: Link = {
  index: 7,
  name: "headcni0",
  mtuBytes: 1280,
  up: true,
  promiscuous: false,
  carrier: true,
  linkKind: "bridge",
};

function network(keys: Record<string, unknown> = {}): PodNetwork {
  const raw = { ipam: { type: "headcni-ipam" }, ...keys };
  return parsePodNetwork({
    cniVersion: "1.0.0",
    name: "pods",
    type: "headcni",
    raw,
    ipam: raw.ipam,
    runtimeConfig: {},
    cniArgs: {},
    prevResult: undefined,
    validAttachments: undefined,
  }, undefined);
}

function addresses(ips: readonly string[], routes: readonly string[] = []): IpamAnswer {
  return {
    ips: ips.map((text) => {
      const [address = "", gateway] = text.split(" via ");
      return { address: parsePrefix(address), ...gateway && { gateway: parseAddress(gateway) } };
    }),
    routes: routes.map((dst) => ({ dst: parsePrefix(dst) })),
  };
}

function bridgeWith(...texts: string[]): NodeFacts {
  const bridgeAddresses = texts.map((text) => ({
    linkIndex: 7,
    address: parsePrefix(text),
    scope: 0,
    tentative: false,
  }));
  return { ...EMPTY_NODE, bridge: BRIDGE, bridgeAddresses };
}

function lines(keys: Record<string, unknown>, answer: IpamAnswer, facts: NodeFacts): string[] {
  const pods = network(keys);
  const addressing = resolveAddressing(pods, answer);
  return [
    ...planNode(pods, addressing, facts),
    ...planPod(pods, IDENTITY, addressing, facts),
  ].map(formatStep);
}

Deno.test("planNode, planPod: first pod of a dual-stack bridge", () => {
  const answer = addresses(["10.244.1.2/24", "fd00:1::2/64"], ["0.0.0.0/0", "::/0"]);
  assertEquals(lines({}, answer, EMPTY_NODE), [
    "ip link add name headcni0 mtu 1280 address 0a:58:0a:f4:01:01 up type bridge",
    "sysctl -e -w net/ipv6/conf/headcni0/accept_ra=0",
    "sysctl -e -w net/ipv6/conf/headcni0/accept_dad=0",
    "ip address add 10.244.1.1/24 dev headcni0",
    "ip address add fd00:1::1/64 dev headcni0 nodad",
    "sysctl -w net/ipv4/ip_forward=1",
    "sysctl -w net/ipv6/conf/all/forwarding=1",
    "ip link add name veth0123456789a mtu 1280 alias " +
    "'headcni:1 net=pods id=c1 if=eth0 ip=10.244.1.2,fd00:1::2 pod=default/web' type veth " +
    "peer name eth0 netns pod address 0a:58:0a:f4:01:02",
    "ip netns exec pod sysctl -e -w net/ipv4/conf/eth0/arp_notify=1",
    "ip netns exec pod sysctl -w net/ipv6/conf/lo/disable_ipv6=0",
    "ip netns exec pod sysctl -w net/ipv6/conf/eth0/disable_ipv6=0",
    "ip netns exec pod sysctl -w net/ipv6/conf/eth0/accept_dad=0",
    "ip netns exec pod sysctl -w net/ipv6/conf/eth0/keep_addr_on_down=1",
    "sysctl -e -w net/ipv6/conf/veth0123456789a/accept_ra=0",
    "sysctl -e -w net/ipv6/conf/veth0123456789a/accept_dad=0",
    "ip link set dev veth0123456789a master headcni0",
    "bridge link set dev veth0123456789a hairpin on isolated off",
    "ip link set dev veth0123456789a up",
    "ip -n pod link set dev eth0 up",
    "ip -n pod address add 10.244.1.2/24 dev eth0",
    "ip -n pod address add fd00:1::2/64 dev eth0 nodad",
    "ip -n pod route add 0.0.0.0/0 via 10.244.1.1 dev eth0",
    "ip -n pod route add ::/0 via fd00:1::1 dev eth0",
  ]);
});

Deno.test("planNode: a later pod only finishes what the first left undone when it was killed", () => {
  const made = lines({}, addresses(["10.244.1.9/24"]), bridgeWith("10.244.1.1/24"));
  assertEquals(made.filter((line) => line.includes("headcni0") && !line.includes("veth")), [
    "sysctl -e -w net/ipv6/conf/headcni0/accept_ra=0",
    "sysctl -e -w net/ipv6/conf/headcni0/accept_dad=0",
  ]);
});

Deno.test("planNode, planPod: ptp routes each pod by itself", () => {
  const answer = addresses(["10.244.1.2/24", "fd00:1::2/64"], ["0.0.0.0/0"]);
  const made = lines({ datapath: "ptp", mtu: 1400 }, answer, EMPTY_NODE);
  assertEquals(made.filter((line) => !line.includes("sysctl")), [
    "ip link add name veth0123456789a mtu 1400 alias " +
    "'headcni:1 net=pods id=c1 if=eth0 ip=10.244.1.2,fd00:1::2 pod=default/web' type veth " +
    "peer name eth0 netns pod address 0a:58:0a:f4:01:02",
    "ip link set dev veth0123456789a up",
    "ip -n pod link set dev eth0 up",
    "ip address add 10.244.1.1/32 dev veth0123456789a",
    "ip address add fd00:1::1/128 dev veth0123456789a nodad",
    "ip route add 10.244.1.2/32 dev veth0123456789a scope 253",
    "ip route add fd00:1::2/128 dev veth0123456789a scope 253",
    "ip -n pod address add 10.244.1.2/32 dev eth0",
    "ip -n pod address add fd00:1::2/128 dev eth0 nodad",
    "ip -n pod route add 10.244.1.1/32 dev eth0 scope 253",
    "ip -n pod route add fd00:1::1/128 dev eth0 scope 253",
    "ip -n pod route add 10.244.1.0/24 via 10.244.1.1 dev eth0",
    "ip -n pod route add fd00:1::/64 via fd00:1::1 dev eth0",
    "ip -n pod route add 0.0.0.0/0 via 10.244.1.1 dev eth0",
  ]);
});

Deno.test("planPod: ptp leaves the gateway of another link of the pod to that link", () => {
  const route = {
    destination: parsePrefix("10.244.1.1/32"),
    onlink: false,
    table: 254,
    scope: 253,
    protocol: 3,
    routeType: 1,
  };
  const answer = addresses(["10.244.1.3/24"], ["0.0.0.0/0"]);
  const made = lines({ datapath: "ptp" }, answer, { ...EMPTY_NODE, podRoutes: [route] });
  assertEquals(made.filter((line) => line.startsWith("ip -n pod route")), [
    "ip -n pod route add 10.244.1.1/32 dev eth0 scope 253",
  ]);
});

Deno.test("planNode, planPod: default routes come from isDefaultGateway, or when IPAM names no route", () => {
  const defaults = (keys: Record<string, unknown>, routes: string[]) =>
    lines(keys, addresses(["10.244.1.2/24", "fd00:1::2/64"], routes), EMPTY_NODE)
      .filter((line) => line.includes("route add")).map((line) => line.split(" ")[5]);
  assertEquals(defaults({}, []), ["0.0.0.0/0", "::/0"]);
  assertEquals(defaults({}, ["10.96.0.0/16"]), ["10.96.0.0/16"]);
  assertEquals(defaults({ isDefaultGateway: false }, []), []);
  assertEquals(defaults({ isDefaultGateway: true }, ["0.0.0.0/0"]), ["0.0.0.0/0", "::/0"]);
});

Deno.test("planNode: bridge address of an earlier subnet is replaced only when that is safe", () => {
  const answer = addresses(["10.244.2.2/24"]);
  const old = bridgeWith("10.244.1.1/24");
  const replaced = [
    "ip address delete 10.244.1.1/24 dev headcni0",
    "ip address add 10.244.2.1/24 dev headcni0",
  ];
  const about = (made: string[]) => made.filter((line) => line.includes("dev headcni0"));
  assertEquals(about(lines({}, answer, old)), replaced);
  const inUse = { ...old, isBridgeInUse: true };
  assertEquals(about(lines({ forceAddress: true }, answer, inUse)), replaced);
  const error = assertThrows(
    () => lines({}, answer, inUse),
    ConfigError,
    "it has address 10.244.1.1/24 and pods on it, but the subnet wants 10.244.2.1/24",
  );
  assertEquals(error.reason, "invalid-config");
});

Deno.test("planNode: IPv6 bridge addresses may be several while their subnets are apart", () => {
  const answer = addresses(["fd00:2::2/64"]);
  const made = lines({}, answer, bridgeWith("fd00:1::1/64"));
  assertEquals(made.filter((line) => line.includes("dev headcni0")), [
    "ip address add fd00:2::1/64 dev headcni0 nodad",
  ]);
  const overlapping = { ...bridgeWith("fd00:2::9/48"), isBridgeInUse: true };
  assertThrows(() => lines({}, answer, overlapping), ConfigError, "fd00:2::9/48");
});

Deno.test("planNode: refuses a bridge name that another kind of link has", () => {
  const facts = { ...EMPTY_NODE, bridge: { ...BRIDGE, linkKind: "vxlan" } };
  assertThrows(
    () => lines({}, addresses(["10.0.0.2/24"]), facts),
    ConfigError,
    'Cannot use bridge "headcni0"',
  );
});

Deno.test("planNode, planPod: flags of bridge and port", () => {
  const answer = addresses(["10.0.0.2/24"]);
  const about = (keys: Record<string, unknown>) =>
    lines(keys, answer, bridgeWith("10.0.0.1/24"))
      .filter((line) => line.includes("hairpin") || line.includes("promisc"));
  assertEquals(about({ hairpinMode: false, portIsolation: true }), [
    "bridge link set dev veth0123456789a hairpin off isolated on",
  ]);
  assertEquals(about({ promiscMode: true }), [
    "ip link set dev headcni0 promisc on",
    "bridge link set dev veth0123456789a hairpin off isolated off",
  ]);
});

Deno.test("planNode, planPod: without gateway mode the node takes no address and does not forward", () => {
  const made = lines({ isGateway: false }, addresses(["10.0.0.2/24"]), EMPTY_NODE);
  assertEquals(made.filter((line) => /forward|address add .* dev headcni0|route/.test(line)), []);
});

Deno.test("planNode, planPod: a gateway outside the subnet is reached by a link route", () => {
  const answer = addresses(["10.0.0.2/24 via 169.254.1.1"], ["0.0.0.0/0"]);
  const made = lines({ isGateway: false }, answer, EMPTY_NODE);
  assertEquals(made.filter((line) => line.includes("route add")), [
    "ip -n pod route add 169.254.1.1/32 dev eth0 scope 253",
    "ip -n pod route add 0.0.0.0/0 via 169.254.1.1 dev eth0",
  ]);
});

Deno.test("planNode, planPod: refuses an answer without addresses, and ptp without gateway", () => {
  assertThrows(() => lines({}, addresses([]), EMPTY_NODE), ConfigError, "IPAM gave it no address");
  assertThrows(
    () => lines({ datapath: "ptp", isGateway: false }, addresses(["10.0.0.2/24"]), EMPTY_NODE),
    ConfigError,
    "it has no gateway",
  );
});

Deno.test("planNode, planPod: MTU is configured, 1280, or the uplink's if lower", () => {
  const mtu = (keys: Record<string, unknown>, uplinkMtuBytes: number | undefined) =>
    lines(keys, addresses(["10.0.0.2/24"]), { ...EMPTY_NODE, uplinkMtuBytes })
      .find((line) => line.includes("type veth"))?.match(/mtu (\d+)/)?.[1];
  assertEquals(mtu({}, 1500), "1280");
  assertEquals(mtu({}, 1200), "1200");
  assertEquals(mtu({}, undefined), "1280");
  assertEquals(mtu({ mtu: 1420 }, 1200), "1420");
});

Deno.test("planMasquerade: subnets leave, cluster and (by option) tailnet are exempt", () => {
  const pods = [parsePrefix("10.244.1.2/24")];
  const exempt = (keys: Record<string, unknown>) =>
    planMasquerade(network(keys), pods)?.exempt.map(formatPrefix);
  assertEquals(planMasquerade(network({ ipMasq: false }), pods), undefined);
  assertEquals(planMasquerade(network(), pods)?.sources.map(formatPrefix), ["10.244.1.0/24"]);
  assertEquals(exempt({}), []);
  assertEquals(exempt({ pod_cidr: "10.244.0.0/16,fd00::/48", service_cidr: "10.96.0.0/16" }), [
    "10.244.0.0/16",
    "fd00::/48",
    "10.96.0.0/16",
  ]);
  assertEquals(exempt({ ipMasqTailnet: false }), ["100.64.0.0/10", "fd7a:115c:a1e0::/48"]);
});

Deno.test("podResult: host side first, addresses on the pod's interface", () => {
  const mac = Uint8Array.of(2, 0, 0, 0, 0, 1);
  const attached = {
    mtuBytes: 1280,
    netns: "/run/netns/x",
    bridgeMac: mac,
    hostMac: mac,
    podMac: mac,
  };
  const answer = addresses(["10.244.1.2/24"]);
  const addressing = resolveAddressing(network(), answer);
  const result = podResult(network(), IDENTITY, addressing, attached);
  assertEquals(result.interfaces, [
    { name: "headcni0", mac: "02:00:00:00:00:01" },
    { name: "veth0123456789a", mac: "02:00:00:00:00:01", mtu: 1280 },
    { name: "eth0", mac: "02:00:00:00:00:01", mtu: 1280, sandbox: "/run/netns/x" },
  ]);
  assertEquals(result.ips, [{
    address: parsePrefix("10.244.1.2/24"),
    gateway: parseAddress("10.244.1.1"),
    interface: 2,
  }]);
  assertEquals(result.routes, [{
    dst: parsePrefix("0.0.0.0/0"),
    gw: parseAddress("10.244.1.1"),
  }]);
  const ptp = podResult(network({ datapath: "ptp" }), IDENTITY, addressing, attached);
  assertEquals(ptp.ips.map(({ address }) => formatPrefix(address)), ["10.244.1.2/32"]);
  assertEquals(ptp.interfaces.map(({ name }) => name), ["veth0123456789a", "eth0"]);
});
