import { assert, assertEquals, assertThrows } from "@std/assert";
import { decodeConfig, parseNetworkConfig } from "../cni/network_config.ts";
import type { NetworkConfig } from "../cni/request.ts";
import { parseSubnetFile, type SubnetFile } from "../discovery/subnet_file.ts";
import { ConfigError } from "../errors.ts";
import { renderDelegate } from "./delegate.ts";

function configOf(raw: Record<string, unknown>): NetworkConfig {
  return parseNetworkConfig({ name: "pods", type: "headcni", ...raw }, "0.4.0", "ADD");
}

function subnetOf(text: string): SubnetFile {
  return parseSubnetFile({ path: "/run/x", text }, {});
}

const FILE = subnetOf("network: 10.244.0.0/16\nsubnet: 10.244.1.0/24\nmtu: 1280\nipmasq: false\n");
const DUAL = subnetOf(
  "network: 10.244.0.0/16\nsubnet: 10.244.1.0/24\nipv6_network: fd00::/48\n" +
    "ipv6_subnet: fd00:0:0:1::/64\nroutes:\n- dst: 10.96.0.0/12\n- dst: 10.97.0.0/16\n" +
    "  gw: 10.244.1.9\ndns:\n  nameservers: [10.96.0.10]\n",
);

function render(
  delegate: unknown,
  raw: Record<string, unknown> = {},
  subnet: SubnetFile = FILE,
): Record<string, unknown> {
  return renderDelegate(configOf(raw), delegate, subnet);
}

Deno.test("renderDelegate: the example, with every default of the older plugin", () => {
  const example = new URL(
    "../../tests/fixtures/examples/headcni-delegate.conf.json",
    import.meta.url,
  );
  const raw = decodeConfig(Deno.readFileSync(example));
  const config = parseNetworkConfig(raw, "0.4.0", "ADD");
  assertEquals(renderDelegate(config, raw.delegate, FILE), {
    cniVersion: "0.4.0",
    name: "headcni-network",
    type: "bridge",
    bridge: "cni0",
    ipMasq: true,
    mtu: 1280,
    isGateway: true,
    ipam: {
      type: "host-local",
      ranges: [[{ subnet: "10.244.1.0/24" }]],
      routes: [{ dst: "10.244.0.0/16" }],
    },
  });
});

Deno.test("renderDelegate: a delegate that says nothing is a bridge; version as it was sent", () => {
  const { type, cniVersion, bridge, ipMasq, mtu } = render({}, {}, DUAL);
  assertEquals({ type, cniVersion, bridge, ipMasq, mtu }, {
    type: "bridge",
    cniVersion: undefined,
    bridge: undefined,
    ipMasq: true,
    mtu: undefined,
  });
  for (const type of ["", null]) assertEquals(render({ type }).type, "bridge");
});

Deno.test("renderDelegate: ipMasq is the contrary of the file's", () => {
  assertEquals(render({}, {}, { ...FILE, ipMasq: true }).ipMasq, false);
  assertEquals(render({}, {}, { ...FILE, ipMasq: false }).ipMasq, true);
});

Deno.test("renderDelegate: what the delegate sets is kept", () => {
  const own = {
    type: "bridge",
    ipMasq: false,
    mtu: 1400,
    isGateway: false,
    isDefaultGateway: true,
    hairpinMode: true,
  };
  const { name: _name, ipam: _ipam, ...kept } = render(own);
  assertEquals(kept, own);
});

Deno.test("renderDelegate: isGateway is for bridges only", () => {
  assertEquals("isGateway" in render({ type: "ptp" }), false);
});

Deno.test("renderDelegate: runtimeConfig and args are passed on as they were sent", () => {
  const runtimeConfig = { portMappings: [{ HostPort: 80, ContainerPort: 8080 }] };
  const args = { cni: { ips: ["10.244.1.7"] } };
  const rendered = render({}, { runtimeConfig, args });
  assertEquals(rendered.runtimeConfig, runtimeConfig);
  assertEquals(rendered.args, args);
  assertEquals("runtimeConfig" in render({}), false);
});

Deno.test("renderDelegate: ipam keeps its keys, gets ranges by family, routes and dns", () => {
  const ipam = {
    dataDir: "/x",
    ranges: [[{ subnet: "10.0.0.0/24" }]],
    routes: [{ dst: "192.168.0.0/16", gw: "10.244.1.3" }, { dst: "10.96.0.0/12" }],
  };
  assertEquals(render({}, { ipam }, DUAL).ipam, {
    type: "host-local",
    dataDir: "/x",
    dns: { nameservers: ["10.96.0.10"] },
    ranges: [[{ subnet: "10.244.1.0/24" }], [{ subnet: "fd00:0:0:1::/64" }]],
    routes: [
      ...ipam.routes,
      { dst: "10.97.0.0/16", gw: "10.244.1.9" },
      { dst: "10.244.0.0/16" },
      { dst: "fd00::/48" },
    ],
  });
});

Deno.test("renderDelegate: ranges are for IPAM plugins that read them", () => {
  const rangesFor = (type: string) => Object(render({}, { ipam: { type } }).ipam).ranges;
  for (const type of ["host-local", "headcni-ipam", "ipam-plugin"]) {
    assertEquals(rangesFor(type), [[{ subnet: "10.244.1.0/24" }]]);
  }
  for (const type of ["static", "dhcp"]) assertEquals(rangesFor(type), undefined);
});

Deno.test("renderDelegate: everything that is wrong at once", () => {
  const message = (delegate: unknown, ipam?: unknown) =>
    assertThrows(() => render(delegate, ipam ? { ipam } : {}), ConfigError).message;
  const text = message({ type: 1, name: "x", ipam: {} }, { type: 2 });
  for (
    const part of [
      'Cannot use network config "pods": ',
      "delegate.type must be text, got 1",
      `delegate must not contain "name": it'll be set by headcni`,
      `delegate must not contain "ipam": it'll be set by headcni`,
      "ipam.type must be text, got 2",
    ]
  ) {
    assert(text.includes(part), `${part} in ${text}`);
  }
  assert(message([]).includes("delegate must be an object, got []"));
  for (const type of ["headcni", "ipam-cni"]) {
    assert(message({ type }).includes(`delegate.type must not be "${type}": it would call itself`));
    assert(message({}, { type }).includes(`ipam.type must not be "${type}": it would call itself`));
  }
});
