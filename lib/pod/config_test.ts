import { assertEquals, assertThrows } from "@std/assert";
import type { NetworkConfig } from "../cni/request.ts";
import { ConfigError } from "../errors.ts";
import { formatMac } from "../net/mac.ts";
import { formatPrefix } from "../net/prefix.ts";
import { parsePodNetwork, type PodNetwork } from "./config.ts";

function parse(
  keys: Record<string, unknown>,
  more: Partial<NetworkConfig> = {},
  argsMac: string | undefined = undefined,
): PodNetwork {
  const ipam = { type: "headcni-ipam", ...Object(keys.ipam) };
  const raw = { ...keys, ipam };
  return parsePodNetwork({
    cniVersion: "1.0.0",
    name: "pods",
    type: "headcni",
    raw,
    ipam,
    runtimeConfig: {},
    cniArgs: {},
    prevResult: undefined,
    validAttachments: undefined,
    ...more,
  }, argsMac);
}

Deno.test("parsePodNetwork: defaults", () => {
  assertEquals(parse({}), {
    datapath: "bridge",
    bridge: "headcni0",
    isGateway: true,
    isDefaultGateway: undefined,
    forceAddress: false,
    hairpinMode: true,
    promiscMode: false,
    portIsolation: false,
    ipMasq: true,
    ipMasqTailnet: true,
    mtuBytes: undefined,
    mac: undefined,
    exemptPrefixes: [],
    enableIpv6: true,
    dns: {},
    warnings: [],
  });
});

Deno.test("parsePodNetwork: every fault at once, with path and value", () => {
  const error = assertThrows(
    () =>
      parse({
        bridge: "a-name-of-sixteen",
        mtu: "1500",
        ipMasq: "yes",
        pod_cidr: "10.0.0.0/40",
        dns: { nameservers: "10.0.0.1" },
        subnetFile: 1,
      }),
    ConfigError,
  );
  for (
    const part of [
      'Cannot use network config "pods"',
      'bridge: an interface name of 1 to 15 bytes wanted, got "a-name-of-sixteen"',
      'mtu: number wanted, got "1500"',
      'ipMasq: boolean wanted, got "yes"',
      "pod_cidr",
      '"10.0.0.0/40"',
      'dns.nameservers: Array wanted, got "10.0.0.1"',
      "subnetFile: string wanted, got 1",
    ]
  ) {
    assertEquals(error.message.includes(part), true, `${part} in ${error.message}`);
  }
});

Deno.test("parsePodNetwork: null and the empty text mean absent, as Go and Helm write them", () => {
  const empty = { bridge: "", datapath: "", mac: "", logLevel: "", mtu: null, dns: null };
  const unbuilt = { delegate: null, plugins: null, subnetFile: "" };
  assertEquals(parse({ ...empty, ...unbuilt, isGateway: null, pod_cidr: null }), parse({}));
  assertEquals(parse({}, { runtimeConfig: { mac: null }, cniArgs: { mac: null } }), parse({}));
});

Deno.test("parsePodNetwork: MTU bounds, 0 is automatic", () => {
  assertEquals(parse({ mtu: 0 }).mtuBytes, undefined);
  assertEquals(parse({ mtu: 1420 }).mtuBytes, 1420);
  for (const mtu of [67, 65_536, -1, 1280.5]) {
    assertThrows(() => parse({ mtu }), ConfigError, "mtu");
  }
});

Deno.test("parsePodNetwork: both spellings of keys that users have in both", () => {
  const exempt = (keys: Record<string, unknown>) => parse(keys).exemptPrefixes.map(formatPrefix);
  assertEquals(exempt({ pod_cidr: "10.0.0.0/8", service_cidr: ["10.96.0.0/12", "fd00::/108"] }), [
    "10.0.0.0/8",
    "10.96.0.0/12",
    "fd00::/108",
  ]);
  assertEquals(exempt({ podCIDR: "10.0.0.0/8", serviceCIDR: "10.96.0.0/12" }), [
    "10.0.0.0/8",
    "10.96.0.0/12",
  ]);
  assertEquals(parse({ enable_ipv6: false }).enableIpv6, false);
  assertEquals(parse({ enableIPv6: false }).enableIpv6, false);
});

Deno.test("parsePodNetwork: MAC from the strongest source that names one", () => {
  const mac = (text: string) => ({ mac: text });
  const chosen = (network: PodNetwork) => network.mac && formatMac(network.mac);
  const own = mac("02:00:00:00:00:01");
  const args = "02:00:00:00:00:02";
  const cniArgs = mac("02:00:00:00:00:03");
  const runtimeConfig = mac("02:00:00:00:00:04");
  assertEquals(chosen(parse(own)), "02:00:00:00:00:01");
  assertEquals(chosen(parse(own, {}, args)), "02:00:00:00:00:02");
  assertEquals(chosen(parse(own, { cniArgs }, args)), "02:00:00:00:00:03");
  assertEquals(chosen(parse(own, { cniArgs, runtimeConfig }, args)), "02:00:00:00:00:04");
  assertThrows(
    () => parse({}, {}, "01:00:5e:00:00:01"),
    ConfigError,
    'Cannot use MAC address of CNI_ARGS: (top level): a unicast MAC address of six bytes wanted, got "01:00:5e:00:00:01"',
  );
});

Deno.test("parsePodNetwork: magic_dns joins dns only when enabled", () => {
  const dns = { nameservers: ["10.96.0.10"], options: ["ndots:5"] };
  const magic_dns = {
    enable: true,
    base_domain: "tail.example",
    nameservers: ["100.100.100.100", "10.96.0.10"],
    search_domains: ["example"],
  };
  assertEquals(parse({ dns, magic_dns }).dns, {
    nameservers: ["10.96.0.10", "100.100.100.100"],
    search: ["tail.example", "example"],
    options: ["ndots:5"],
  });
  assertEquals(parse({ dns, magic_dns: { ...magic_dns, enable: false } }).dns, dns);
});

Deno.test("parsePodNetwork: an ipam section is needed, and our own plugin is no IPAM", () => {
  for (const type of ["headcni", "ipam-cni"]) {
    assertThrows(() => parse({ ipam: { type } }), ConfigError, `ipam.type "${type}"`);
  }
  const error = assertThrows(() => parse({}, { ipam: undefined }), ConfigError, "no ipam section");
  assertEquals(error.reason, "no-pod-cidr");
});

Deno.test("parsePodNetwork: policy is warned of", () => {
  assertEquals(parse({ enable_network_policy: true }).warnings.length, 1);
});

Deno.test("parsePodNetwork: name resolution that the runtime asks for wins, key by key", () => {
  const dns = { nameservers: ["10.0.0.1"], search: ["a"], options: ["ndots:5"] };
  const runtimeConfig = { dns: { servers: ["8.8.8.8"], searches: ["b"], options: [] } };
  assertEquals(parse({ dns }, { runtimeConfig }).dns, {
    nameservers: ["8.8.8.8"],
    search: ["b"],
    options: ["ndots:5"],
  });
  const wrong = { dns: { servers: "8.8.8.8" } };
  assertThrows(() => parse({}, { runtimeConfig: wrong }), ConfigError, "servers");
});
