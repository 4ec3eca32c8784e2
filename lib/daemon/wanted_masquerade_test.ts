import { assertEquals } from "@std/assert";
import { leaseOf } from "../../tests/fakes/lease.ts";
import { parseAddress } from "../net/address.ts";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import type { Attachment } from "../store/attachments.ts";
import type { Lease } from "../store/leases.ts";
import type { UpkeepWant } from "./upkeep.ts";
import { localNetworks, type NodePods, wantedMasquerade } from "./wanted_masquerade.ts";

const WANT: UpkeepWant = {
  network: "pods",
  datapath: "bridge",
  bridge: "headcni0",
  podCidrs: [parsePrefix("10.1.1.0/24")],
  clusterCidrs: [parsePrefix("10.1.0.0/16")],
  serviceCidrs: [parsePrefix("10.96.0.0/12")],
  gateways: [],
  mtuBytes: 1280,
  hairpinMode: true,
  portIsolation: false,
  guardClusterCidr: true,
  ipMasq: true,
  ipMasqTailnet: true,
  remotePodCidrs: [],
  tailnetDevice: undefined,
};
const NO_PODS: NodePods = { leases: [], attachments: [], aliases: [] };

Deno.test("wantedMasquerade: the PodCIDR, and an earlier one as long as pods are of it", () => {
  const pods = { ...NO_PODS, leases: [leaseOf("old", "10.2.1.7/24")] };
  assertEquals(sources(WANT, NO_PODS), ["10.1.1.0/24"]);
  assertEquals(sources(WANT, pods), ["10.2.1.0/24", "10.1.1.0/24"]);
  assertEquals(sources({ ...WANT, ipMasq: false }, pods), []);
  assertEquals(exempt(WANT, pods), ["10.1.1.0/24", "10.1.0.0/16", "10.96.0.0/12"]);
  const tailnet = exempt({ ...WANT, ipMasqTailnet: false }, NO_PODS).slice(3);
  assertEquals(tailnet, ["100.64.0.0/10", "fd7a:115c:a1e0::/48"]);
});

Deno.test("wantedMasquerade: pods of other nodes see who calls, also without a cluster network", () => {
  const remotePodCidrs = ["10.1.2.0/24", "fd00:2::/64"].map(parsePrefix);
  const want = { ...WANT, clusterCidrs: [], remotePodCidrs };
  assertEquals(sources(want, NO_PODS), ["10.1.1.0/24"]);
  assertEquals(exempt(want, NO_PODS), [
    "10.1.1.0/24",
    "10.96.0.0/12",
    "10.1.2.0/24",
    "fd00:2::/64",
  ]);
});

Deno.test("wantedMasquerade: other networks as their pods were added", () => {
  const config = {
    name: "other",
    type: "headcni",
    ipam: { type: "headcni-ipam", subnet: "10.7.0.0/16" },
    service_cidr: "192.0.2.0/24",
  };
  const leases = [inOther(leaseOf("a", "10.7.0.2/16"))];
  const pods = (raw: unknown) => ({ ...NO_PODS, leases, attachments: [attachment(raw)] });
  assertEquals(sources(WANT, pods(config)), ["10.7.0.0/16", "10.1.1.0/24", "10.7.0.0/16"]);
  assertEquals(exempt(WANT, pods(config))[3], "192.0.2.0/24");
  assertEquals(sources(WANT, pods({ ...config, ipMasq: false })), ["10.1.1.0/24"]);
  // What cannot be read keeps what it has.
  assertEquals(sources(WANT, pods({ name: 7 })), ["10.7.0.0/16", "10.1.1.0/24"]);
});

Deno.test("wantedMasquerade: addresses that another plugin gave stand alone", () => {
  const key = { network: "foreign", containerId: "c", ifname: "eth0" };
  const alias = { key, addresses: [parseAddress("10.5.0.9")], pod: undefined };
  assertEquals(sources(WANT, { ...NO_PODS, aliases: [alias] }), ["10.5.0.9/32", "10.1.1.0/24"]);
});

Deno.test("localNetworks: today's, and what pods of our network still have", () => {
  const alias = (network: string, address: string) => ({
    key: { network, containerId: address, ifname: "eth0" },
    addresses: [parseAddress(address)],
    pod: undefined,
  });
  const pods = {
    ...NO_PODS,
    leases: [leaseOf("old", "10.2.1.7/24"), inOther(leaseOf("a", "10.7.0.2/16"))],
    aliases: [alias("pods", "10.1.1.9"), alias("pods", "10.3.0.9"), alias("foreign", "10.5.0.9")],
  };
  assertEquals(localNetworks(WANT, NO_PODS).map(formatPrefix), ["10.1.1.0/24"]);
  assertEquals(localNetworks(WANT, pods).map(formatPrefix), [
    "10.1.1.0/24",
    "10.2.1.0/24",
    "10.3.0.9/32",
  ]);
});

function sources(want: UpkeepWant, pods: NodePods): string[] {
  return wantedMasquerade(want, pods).sources.map(formatPrefix);
}

function exempt(want: UpkeepWant, pods: NodePods): string[] {
  return wantedMasquerade(want, pods).exempt.map(formatPrefix);
}

function inOther(lease: Lease): Lease {
  return { ...lease, key: { ...lease.key, network: "other" } };
}

function attachment(config: unknown): Attachment {
  return {
    key: { network: "other", containerId: "a", ifname: "eth0" },
    phase: "added",
    pod: {},
    netns: "",
    bootId: "",
    createdMs: 1,
    config,
  };
}
