import { assertEquals, assertThrows } from "@std/assert";
import { parseNetworkConfig } from "../cni/network_config.ts";
import { parseSpecVersion } from "../cni/version.ts";
import { parseSubnetFile } from "../discovery/subnet_file.ts";
import { ConfigError } from "../errors.ts";
import { parsePodNetwork } from "../pod/config.ts";
import { planMembers } from "../pod/members.ts";
import {
  CONFLIST_VERSIONS,
  type ConflistOptions,
  conflistVersions,
  isOwnConflist,
  planConflist,
} from "./conflist.ts";

const HEAD = {
  cniVersion: "1.0.0",
  cniVersions: ["1.0.0", "1.1.0"],
  name: "headcni",
  "headcni.io/managed-by": "headcni daemon",
};

const NATIVE = {
  type: "headcni",
  ipam: { type: "headcni-ipam" },
  capabilities: {
    portMappings: true,
    bandwidth: true,
    ips: true,
    mac: true,
    dns: true,
    ipRanges: true,
    "io.kubernetes.cri.pod-annotations": true,
  },
};

const PORTMAP = { name: "portmap", enabled: true, priority: 1, config: `{"type": "portmap"}` };
const BANDWIDTH = { name: "bw", enabled: true, priority: 2, config: { type: "bandwidth" } };

Deno.test("planConflist: native mode says nothing that is the default", () => {
  assertEquals(planConflist({}), { ...HEAD, plugins: [NATIVE] });
});

Deno.test("planConflist: native mode has the keys that somebody decided", () => {
  const keys = {
    mtu: 1380,
    bridge: "pods0",
    service_cidr: ["10.96.0.0/16", "fd96::/112"],
    ipMasq: true,
    logLevel: "",
    ipam: { allocation_strategy: "dense", cooldown: "0s" },
  };
  const conflist = planConflist({ name: "pods", keys });
  assertEquals(conflist, {
    ...HEAD,
    name: "pods",
    plugins: [{
      ...NATIVE,
      mtu: 1380,
      bridge: "pods0",
      service_cidr: ["10.96.0.0/16", "fd96::/112"],
      ipam: { type: "headcni-ipam", allocation_strategy: "dense", cooldown: "0s" },
    }],
  });
});

Deno.test("planConflist: what it leaves out is what the plugin takes by itself", () => {
  const keys = {
    datapath: "bridge",
    bridge: "headcni0",
    isGateway: true,
    forceAddress: false,
    hairpinMode: true,
    promiscMode: false,
    portIsolation: false,
    ipMasq: true,
    ipMasqTailnet: true,
    mtu: 0,
    enable_ipv6: true,
    enable_network_policy: false,
  };
  const conflist = planConflist({ keys: { ...keys, subnetFile: "/run/headcni/subnet.env" } });
  assertEquals(conflist, planConflist({}));
  const config = (more: Record<string, unknown>) => {
    const raw = { ...NATIVE, ...more, name: "pods", cniVersion: "1.0.0" };
    return parsePodNetwork(parseNetworkConfig(raw, "1.0.0", "ADD"), undefined);
  };
  assertEquals(config(keys), config({}));
});

Deno.test("planConflist: delegate mode, a bridge with host-local", () => {
  assertEquals(planConflist({ mode: "delegate" }), {
    ...HEAD,
    plugins: [{
      type: "headcni",
      delegate: {
        type: "bridge",
        bridge: "headcni0",
        isDefaultGateway: true,
        hairpinMode: true,
      },
      ipam: { type: "host-local" },
      capabilities: { ips: true, mac: true, ipRanges: true },
    }],
  });
});

Deno.test("planConflist: in delegate mode the bridge gets what the older system gave it", () => {
  const [rendered] = delegatesOf({ mode: "delegate" });
  const example = JSON.parse(Deno.readTextFileSync(EXAMPLE)).plugins[0];
  const { ipam: { type, subnet }, isGateway, ...keys } = example;
  assertEquals(rendered, {
    cniVersion: "1.0.0",
    name: "headcni",
    ...keys,
    // It includes isGateway, and the default route of the example.
    isDefaultGateway: isGateway,
    isGateway,
    hairpinMode: true,
    mtu: 1280,
    ipam: { type, ranges: [[{ subnet }]], routes: [{ dst: "10.244.0.0/16" }] },
  });
});

Deno.test("planConflist: another delegate keeps its keys, and gets none of a bridge's", () => {
  const options = { mode: "delegate", delegate: { type: "ptp", mtu: 1400 } } as const;
  const [rendered] = delegatesOf(options);
  assertEquals(rendered?.type, "ptp");
  assertEquals(rendered?.bridge, undefined);
  assertEquals(rendered?.mtu, 1400);
});

Deno.test("planConflist: what is chained takes over its capability", () => {
  const { plugins } = planConflist({ cniPlugins: [BANDWIDTH, PORTMAP] });
  const { portMappings: _portMappings, bandwidth: _bandwidth, ...left } = NATIVE.capabilities;
  assertEquals(plugins, [
    { ...NATIVE, capabilities: left },
    { type: "portmap", capabilities: { portMappings: true } },
    { type: "bandwidth", capabilities: { bandwidth: true } },
  ]);
});

Deno.test("planConflist: what is chained but off, or has no use for it, takes nothing", () => {
  const sbr = { name: "sbr", enabled: true, priority: 1, config: { type: "sbr" } };
  const { plugins } = planConflist({ cniPlugins: [{ ...PORTMAP, enabled: false }, sbr] });
  assertEquals(plugins, [NATIVE, { type: "sbr" }]);
});

Deno.test("planConflist: what our plugin would refuse is refused in its words", () => {
  for (const keys of [{ mtu: "big" }, { ipam: { type: "headcni" } }, { datapath: "vxlan" }]) {
    assertThrows(() => planConflist({ keys }), ConfigError, "Cannot use");
  }
  assertThrows(() => planConflist({ name: "../x" }), ConfigError, "network name");
  assertThrows(
    () => planConflist({ mode: "delegate", delegate: { ipam: {} } }),
    ConfigError,
    `delegate must not contain "ipam"`,
  );
});

Deno.test("planConflist: one version that all speak, without a second key", () => {
  const conflist = planConflist({ versions: ["0.4.0"] });
  assertEquals([conflist.cniVersion, "cniVersions" in conflist], ["0.4.0", false]);
  assertThrows(() => planConflist({ versions: [] }), ConfigError, "no version");
});

Deno.test("conflistVersions: the usual ones that all speak, else the newest of them", () => {
  assertEquals(conflistVersions(["0.4.0", "1.0.0", "1.1.0"]), CONFLIST_VERSIONS);
  assertEquals(conflistVersions(["0.4.0", "1.0.0"]), ["1.0.0"]);
  assertEquals(conflistVersions(["0.3.1", "0.4.0"]), ["0.4.0"]);
  assertEquals(conflistVersions([]), []);
});

Deno.test("isOwnConflist: ours, edited too, and nothing else", () => {
  const text = JSON.stringify(planConflist({}), null, 2);
  assertEquals(isOwnConflist(text), true);
  assertEquals(isOwnConflist(text.replace(`"1.0.0"`, `"0.4.0"`)), true);
  const handwritten = `{"name": "headcni", "plugins": [{"type": "headcni"}]}`;
  for (const other of [handwritten, text.slice(0, -2), "", "[]", "null"]) {
    assertEquals(isOwnConflist(other), false, other);
  }
});

const EXAMPLE = new URL(
  "../../tests/fixtures/examples/headcni-generated.conflist.json",
  import.meta.url,
);

/** What our plugin hands to the delegate on the node of the example. */
function delegatesOf(options: ConflistOptions): Record<string, unknown>[] {
  const { name, cniVersion, plugins } = planConflist(options);
  const subnet = parseSubnetFile(undefined, {
    HEADCNI_NETWORK: "10.244.0.0/16",
    HEADCNI_SUBNET: "10.244.1.0/24",
    HEADCNI_MTU: "1280",
  });
  const [entry] = Array.isArray(plugins) ? plugins.map(Object) : [];
  const { capabilities: _capabilities, ...sent } = { ...entry, name, cniVersion };
  const config = parseNetworkConfig(sent, parseSpecVersion(sent, "ADD"), "ADD");
  return planMembers(config, subnet).map((member) => ({ ...member.config }));
}
