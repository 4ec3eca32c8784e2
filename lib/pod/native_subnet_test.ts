import { assertEquals } from "@std/assert";
import { decodeConfig, parseNetworkConfig } from "../cni/network_config.ts";
import type { NetworkConfig } from "../cni/request.ts";
import { parseSubnetFile } from "../discovery/subnet_file.ts";
import { parseIpamConfig } from "../ipam/config.ts";
import { formatPrefix } from "../net/prefix.ts";
import { parsePodNetwork } from "./config.ts";
import { lacksRange, withSubnet } from "./native_subnet.ts";

const EXAMPLES = new URL("../../tests/fixtures/examples/", import.meta.url);

const FILE = parseSubnetFile({
  path: "/run/x",
  text: "network: 10.244.0.0/16,fd00::/48\nsubnet: 10.244.1.0/24,fd00:0:0:1::/64\nmtu: 1380\n" +
    "ipmasq: true\nmetadata:\n  service_cidr: 10.96.0.0/12\nroutes:\n- dst: 10.96.0.0/12\n" +
    "dns:\n  nameservers: [10.96.0.10]\n",
}, {});

function configOf(raw: Record<string, unknown>): NetworkConfig {
  return parseNetworkConfig({ name: "pods", type: "headcni", ...raw }, "1.0.0", "ADD");
}

function example(name: string): NetworkConfig {
  const raw = decodeConfig(Deno.readFileSync(new URL(name, EXAMPLES)));
  return parseNetworkConfig(raw, "1.0.0", "ADD");
}

Deno.test("lacksRange: where our own IPAM or host-local is given none", () => {
  const lacking = [
    {},
    { ipam: {} },
    { ipam: { type: "headcni-ipam", cooldown: "0s" } },
    { ipam: { type: "ipam-plugin", clusterCIDR: "10.244.0.0/16" } },
    { ipam: { type: "host-local", ranges: [], subnet: "" } },
    { ipam: { pools: null }, runtimeConfig: { ipRanges: [] } },
  ];
  const ranges = [[{ subnet: "10.0.0.0/24" }]];
  const having = [
    { ipam: { subnet: "10.0.0.0/24" } },
    { ipam: { type: "host-local", ranges } },
    { ipam: { pools: [{ name: "a", subnet: "10.0.0.0/24" }] } },
    { ipam: {}, runtimeConfig: { IpRanges: ranges } },
    { ipam: { type: "static" } },
    { ipam: { type: "dhcp" } },
    // What nothing could complete.
    { ipam: { type: "headcni" } },
  ];
  for (const raw of lacking) assertEquals(lacksRange(configOf(raw)), true, JSON.stringify(raw));
  for (const raw of having) assertEquals(lacksRange(configOf(raw)), false, JSON.stringify(raw));
  assertEquals(lacksRange(example("ipam-cni.conf.json")), true);
  assertEquals(lacksRange(example("headcni-with-host-local.conf.json")), false);
});

Deno.test("withSubnet: a configuration that says nothing", () => {
  const filled = withSubnet(configOf({}), FILE);
  assertEquals(filled.raw, {
    name: "pods",
    type: "headcni",
    pod_cidr: ["10.244.0.0/16", "fd00::/48"],
    service_cidr: ["10.96.0.0/12"],
    mtu: 1380,
    dns: { nameservers: ["10.96.0.10"] },
    ipam: {
      type: "headcni-ipam",
      ranges: [[{ subnet: "10.244.1.0/24" }], [{ subnet: "fd00:0:0:1::/64" }]],
      routes: [{ dst: "0.0.0.0/0" }, { dst: "::/0" }, { dst: "10.96.0.0/12" }],
    },
  });
  assertEquals(filled.ipam, filled.raw.ipam);
  assertEquals(lacksRange(filled), false);
});

Deno.test("withSubnet: the example of the older system is complete with it", () => {
  const filled = withSubnet(example("ipam-cni.conf.json"), FILE);
  const network = parsePodNetwork(filled, undefined);
  assertEquals(network.exemptPrefixes.map(formatPrefix), [
    "10.244.0.0/16",
    "fd00::/48",
    "10.96.0.0/12",
  ]);
  const { rangeSets } = parseIpamConfig({ network: filled.name, ipam: filled.ipam });
  assertEquals(rangeSets.map(([range]) => range && formatPrefix(range.subnet)), [
    "10.244.1.0/24",
    "fd00:0:0:1::/64",
  ]);
});

Deno.test("withSubnet: what the configuration says stays", () => {
  const own = {
    podCIDR: "10.0.0.0/8",
    serviceCIDR: "10.96.0.0/16",
    mtu: 0,
    magic_dns: { enable: true },
    ipMasq: false,
    ipam: { type: "host-local", dataDir: "/x", routes: [{ dst: "10.96.0.0/16" }] },
  };
  assertEquals(withSubnet(configOf(own), FILE).raw, {
    ...configOf(own).raw,
    ipam: {
      type: "host-local",
      dataDir: "/x",
      ranges: [[{ subnet: "10.244.1.0/24" }], [{ subnet: "fd00:0:0:1::/64" }]],
      routes: [
        { dst: "10.96.0.0/16" },
        { dst: "10.96.0.0/12" },
        { dst: "10.244.0.0/16" },
        { dst: "fd00::/48" },
      ],
    },
  });
});

Deno.test("withSubnet: a gateway that nobody wants is not made; the networks are reached", () => {
  const { ipam } = withSubnet(configOf({ isDefaultGateway: false }), FILE);
  assertEquals(ipam?.routes, [
    { dst: "10.96.0.0/12" },
    { dst: "10.244.0.0/16" },
    { dst: "fd00::/48" },
  ]);
});

Deno.test("withSubnet: nothing of IPv6 when it is off", () => {
  for (const key of ["enable_ipv6", "enableIPv6"]) {
    const { ipam } = withSubnet(configOf({ [key]: false }), FILE);
    assertEquals(ipam?.ranges, [[{ subnet: "10.244.1.0/24" }]]);
    assertEquals(ipam?.routes, [{ dst: "0.0.0.0/0" }, { dst: "10.96.0.0/12" }]);
  }
});
