import { assert, assertEquals, assertThrows } from "@std/assert";
import type { Member } from "../attachment.ts";
import { decodeConfig, parseNetworkConfig } from "../cni/network_config.ts";
import type { NetworkConfig } from "../cni/request.ts";
import { parseSubnetFile } from "../discovery/subnet_file.ts";
import { ConfigError } from "../errors.ts";
import { hasMembers, needsSubnet, planMembers } from "./members.ts";

const EXAMPLES = new URL("../../tests/fixtures/examples/", import.meta.url);

const FILE = parseSubnetFile({
  path: "/run/x",
  text: "network: 10.244.0.0/16\nsubnet: 10.244.1.0/24\nmtu: 1280\n",
}, {});

const IPAM = {
  type: "host-local",
  ranges: [[{ subnet: "10.244.1.0/24" }]],
  routes: [{ dst: "10.244.0.0/16" }],
};

function configOf(raw: Record<string, unknown>): NetworkConfig {
  return parseNetworkConfig(
    { name: "pods", type: "headcni", cniVersion: "1.0.0", ...raw },
    "1.0.0",
    "ADD",
  );
}

function example(name: string): NetworkConfig {
  const raw = decodeConfig(Deno.readFileSync(new URL(name, EXAMPLES)));
  return parseNetworkConfig(raw, "0.4.0", "ADD");
}

function plan(raw: Record<string, unknown>): Member[] {
  return planMembers(configOf(raw), FILE);
}

function fault(raw: Record<string, unknown>): string {
  return assertThrows(() => plan(raw), ConfigError, 'Cannot use network config "pods": ').message;
}

Deno.test("hasMembers: delegate or plugins; null and the empty text are none", () => {
  for (const raw of [{ delegate: {} }, { plugins: [] }, { plugins: {} }]) {
    assertEquals(hasMembers(raw), true, JSON.stringify(raw));
  }
  assertEquals(hasMembers({ delegate: null, plugins: "", type: "headcni" }), false);
});

Deno.test("needsSubnet: for a delegate, and for a range that is not given", () => {
  const type = "headcni";
  const ipam = { subnet: "10.0.0.0/24" };
  const needing = [
    { type, delegate: {} },
    { type, plugins: [{ type: "bridge" }, { type: "headcni", delegate: {} }] },
    { type, plugins: [{ type: "ipam-cni" }] },
    { type },
  ];
  const content = [
    { type, plugins: [{ type: "bridge", delegate: {} }] },
    { type, ipam, plugins: [{ type: "headcni" }] },
    { type, plugins: [{ type: "headcni", ipam }] },
    { type, plugins: "x" },
    { type, ipam },
  ];
  for (const raw of needing) assertEquals(needsSubnet(raw), true, JSON.stringify(raw));
  for (const raw of content) assertEquals(needsSubnet(raw), false, JSON.stringify(raw));
});

Deno.test("planMembers: a delegate is a chain of one", () => {
  const members = planMembers(example("headcni-delegate.conf.json"), FILE);
  assertEquals(members.map(({ kind, config }) => [kind, config.type, config.bridge]), [
    ["plugin", "bridge", "cni0"],
  ]);
});

Deno.test("planMembers: the chain of the examples", () => {
  const common = { name: "headcni-chain", cniVersion: "0.4.0" };
  assertEquals(planMembers(example("headcni-chain.conf.json"), FILE), [
    {
      kind: "plugin",
      type: "bridge",
      config: {
        ...common,
        type: "bridge",
        ipMasq: true,
        mtu: 1280,
        isGateway: true,
        ipam: IPAM,
      },
    },
    {
      kind: "plugin",
      type: "portmap",
      config: { ...common, type: "portmap", capabilities: { portMappings: true } },
    },
  ]);
});

Deno.test("planMembers: runtimeConfig by what a member declares, else all of it; args for all", () => {
  const runtimeConfig = { portMappings: [{ HostPort: 80 }], bandwidth: { IngressRate: 1 } };
  const args = { cni: { ips: ["10.244.1.9"] } };
  const members = plan({
    runtimeConfig,
    args,
    capabilities: { portMappings: true, bandwidth: true },
    ipam: { subnet: "10.244.1.0/24" },
    plugins: [
      { type: "headcni", capabilities: { ips: true } },
      { type: "portmap", capabilities: { portMappings: true, bandwidth: false } },
      { type: "tuning", capabilities: {} },
      { type: "firewall", runtimeConfig: { own: 1 } },
      { type: "headcni", delegate: {}, capabilities: { bandwidth: true } },
    ],
  });
  assertEquals(members.map(({ config }) => config.runtimeConfig), [
    undefined,
    { portMappings: [{ HostPort: 80 }] },
    undefined,
    runtimeConfig,
    { bandwidth: { IngressRate: 1 } },
  ]);
  assertEquals(members.map(({ config }) => config.args), members.map(() => args));
  assertEquals(JSON.parse(JSON.stringify(members)), members);
});

Deno.test("planMembers: an entry of our own without a delegate is native, with the keys above it", () => {
  const [bridge, native] = plan({
    bridge: "cni9",
    mtu: 1400,
    ipam: { subnet: "10.9.0.0/24" },
    prevResult: { cniVersion: "1.0.0" },
    plugins: [{ type: "ptp" }, { type: "ipam-cni", name: "other", mtu: 1300 }],
  });
  assertEquals(bridge, {
    kind: "plugin",
    type: "ptp",
    config: { type: "ptp", name: "pods", cniVersion: "1.0.0" },
  });
  assertEquals(native, {
    kind: "native",
    type: "ipam-cni",
    config: {
      type: "ipam-cni",
      name: "pods",
      cniVersion: "1.0.0",
      bridge: "cni9",
      mtu: 1300,
      ipam: { subnet: "10.9.0.0/24" },
    },
  });
});

Deno.test("planMembers: a native entry without a range gets that of the file", () => {
  const [native] = plan({ ipam: { type: "static" }, plugins: [{ type: "headcni", ipam: {} }] });
  assertEquals(Object(native?.config.ipam).ranges, IPAM.ranges);
  const [own] = plan({ ipam: { type: "static" }, plugins: [{ type: "headcni", ipam: null }] });
  assertEquals(own?.config.ipam, { type: "static" });
});

Deno.test("planMembers: every fault at once, with its index", () => {
  const message = fault({
    plugins: [
      1,
      {},
      { type: "" },
      { type: "portmap" },
      { type: "headcni", delegate: { type: "headcni", name: "x" }, ipam: { type: "headcni" } },
      { type: "headcni" },
      { type: "ipam-cni", plugins: [] },
    ],
  });
  for (
    const part of [
      "plugins.0: an object wanted, got 1",
      "plugins.1: type must be text, got undefined",
      'plugins.2: type must be text, got ""',
      'plugins.4: delegate.type must not be "headcni": it would call itself',
      `plugins.4: delegate must not contain "name": it'll be set by headcni`,
      'plugins.4: ipam.type must not be "headcni": it would call itself',
      "plugins.6: a chain in a chain is not possible",
      "plugins.5 and plugins.6 are all headcni without a delegate",
    ]
  ) {
    assert(message.includes(part), `${part} in ${message}`);
  }
  assert(!message.includes("plugins.3"));
});

Deno.test("planMembers: what is no chain", () => {
  assert(fault({ plugins: [] }).endsWith("plugins must not be empty"));
  assert(fault({ plugins: {} }).endsWith("plugins must be a list, got {}"));
  assert(fault({ plugins: [{ type: "a" }], delegate: {} }).includes("exclude each other"));
  assert(fault({ delegate: 1 }).endsWith("delegate must be an object, got 1"));
});

Deno.test("planMembers: a delegate without a subnet file", () => {
  const error = assertThrows(() => planMembers(configOf({ delegate: {} }), undefined), ConfigError);
  assertEquals(error.reason, "no-pod-cidr");
});
