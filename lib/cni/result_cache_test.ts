import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { parseAddress } from "../net/address.ts";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { cacheFileName, parseCachedAttachment } from "./result_cache.ts";

Deno.test("parseCachedAttachment: what podman wrote; the namespace is that of the result", () => {
  const { key, netns, pod, ips, plugins } = parseCachedAttachment(readFixture("podman.json"));
  const containerId = "daac67f6921c12dca468a36f0ae6e0dfb630ac983ba4dda730f68f624cb7975d";
  assertEquals(key, { network: "pods", containerId, ifname: "eth0" });
  assertEquals(netns, "/run/netns/netns-01247f4c-9ecc-1ee8-eceb-2e40d9a25369");
  assertEquals(pod, { name: "web" });
  const gateway = parseAddress("10.89.0.1");
  assertEquals(ips, [{ address: parsePrefix("10.89.0.77/24"), gateway, interface: 2 }]);
  assertEquals(plugins.map(({ type }) => type), ["headcni", "portmap"]);
  assertEquals(plugins[0]?.ipam, { type: "headcni-ipam", subnet: "10.89.0.0/24" });
});

Deno.test("parseCachedAttachment: a single plugin, a path of its own, a pod of Kubernetes", () => {
  const cached = parseCachedAttachment(readFixture("single_plugin.json"));
  assertEquals(cached.netns, "/var/run/netns/cni-7b0f6c7e-11c7-5b6a-3c5a-6f1f5b3a9e21");
  const uid = "0d6f2a3e-7a53-4a1c-9c65-33e0a2a4f0f5";
  assertEquals(cached.pod, { namespace: "shop", name: "db-0", uid });
  assertEquals(cached.ips.map(({ address }) => formatPrefix(address)), [
    "10.244.3.9/24",
    "fd00:244:3::9/64",
  ]);
  assertEquals(cached.plugins.map(({ name, type }) => [name, type]), [["mesh", "bridge"]]);
});

Deno.test("parseCachedAttachment: what Go leaves out or writes as null is absent", () => {
  const bare = { kind: "cniCacheV1", networkName: "pods", containerId: "a", ifName: "eth0" };
  for (const more of [{}, { config: null, cniArgs: null, result: null, netns: "" }]) {
    assertEquals(parseCachedAttachment(JSON.stringify({ ...bare, ...more })), {
      key: { network: "pods", containerId: "a", ifname: "eth0" },
      netns: "",
      pod: {},
      ips: [],
      plugins: [{}],
    });
  }
});

Deno.test("parseCachedAttachment: a result of an old version", () => {
  const config = encode({ cniVersion: "0.2.0", name: "pods", type: "headcni" });
  const result = { ip4: { ip: "10.1.0.2/24", gateway: "10.1.0.1" } };
  const { ips } = parseCachedAttachment(change({ config, result }));
  assertEquals(ips.map(({ address }) => formatPrefix(address)), ["10.1.0.2/24"]);
});

for (
  const [what, text] of [
    ["no JSON", "adfadsfasdf"],
    ["a file cut short", readFixture("podman.json").slice(0, 300)],
    ["a bare result of old", `{"cniVersion":"0.4.0","ips":[{"address":"10.1.0.2/24"}]}`],
    ["another kind", change({ kind: "cniCacheV2" })],
    ["a name that leads elsewhere", change({ containerId: "../../etc" })],
    ["no interface name", change({ ifName: "a/b" })],
    ["a config that is no base64", change({ config: "{}" })],
    ["a config that is no JSON", change({ config: btoa("type: headcni") })],
    ["plugins that are none", change({ config: encode({ plugins: ["headcni"] }) })],
    ["an address that is none", change({ result: { ips: [{ address: "10.1.0" }] } })],
  ] as const
) {
  Deno.test(`parseCachedAttachment: refuses ${what}`, () => {
    assertThrows(() => parseCachedAttachment(text), ConfigError);
  });
}

Deno.test("cacheFileName: as libcni names its files", () => {
  const key = { network: "pods", containerId: "6e1d", ifname: "eth0" };
  assertEquals(cacheFileName(key), "pods-6e1d-eth0");
});

function readFixture(name: string): string {
  const folder = new URL("../../tests/fixtures/result_cache/", import.meta.url);
  return Deno.readTextFileSync(new URL(name, folder));
}

function encode(config: unknown): string {
  return btoa(JSON.stringify(config));
}

/** An entry that is good but for these fields. */
function change(fields: Readonly<Record<string, unknown>>): string {
  return JSON.stringify({ ...JSON.parse(readFixture("single_plugin.json")), ...fields });
}
