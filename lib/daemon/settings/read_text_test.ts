import { assertEquals } from "@std/assert";
import { formatFault } from "./given.ts";
import { readSettingsText } from "./read_text.ts";
import { Secret } from "./secret.ts";

/** What a text gives, as `key=raw@line`, and what is told of it. */
function read(text: string, isPrivate = false): { given: string[]; told: string[] } {
  const { given, faults, warnings } = readSettingsText({ path: "f", text, isPrivate });
  return {
    given: given.map(({ key, raw, origin }) => {
      const shown = raw instanceof Secret ? raw.file ?? raw.reveal() : JSON.stringify(raw);
      return `${key}=${shown}@${origin.from === "file" ? origin.line : "?"}`;
    }),
    told: [...faults.map(formatFault), ...warnings],
  };
}

Deno.test("readSettingsText: gives values with the lines of their keys", () => {
  const text = `
network:
  podCIDR:
    nodeLocal: "10.244.1.0/24"
    base: [10.244.0.0/16, "fd00::/56"]
  mtu: 1400   # a comment
cniPlugins:
  - name: portmap
`;
  assertEquals(read(text), {
    given: [
      'network.podCIDR.nodeLocal="10.244.1.0/24"@4',
      'network.podCIDR.base=["10.244.0.0/16","fd00::/56"]@5',
      "network.mtu=1400@6",
      'cniPlugins=[{"name":"portmap"}]@7',
    ],
    told: [],
  });
});

Deno.test("readSettingsText: takes the keys of older systems and of their chart", () => {
  const text = `
image: { repository: x }
config:
  daemon: { logLevel: debug, hostNetwork: true }
  network:
    podCIDR: 10.42.0.0/16
    podCIDRSubnet: /24
    advancedPermissions: { enabled: false }
  tailscale: { socket: /run/ts.sock }
cniPlugins: []
`;
  assertEquals(read(text), {
    given: [
      'logging.level="debug"@4',
      'network.podCIDR.base="10.42.0.0/16"@6',
      'network.podCIDR.perNode="/24"@7',
      'tailscale.socket.path="/run/ts.sock"@9',
      "cniPlugins=[]@10",
    ],
    told: [
      "f:2: image: belongs to the chart; the daemon does not read it",
      "f:4: daemon.hostNetwork: does nothing: the daemon always works in the network of its node",
      "f:8: network.advancedPermissions: does nothing: the daemon uses what its account may do",
    ],
  });
});

Deno.test("readSettingsText: the file that users of the older chart have", async () => {
  const url = new URL("../../../tests/fixtures/daemon/helm-values.yaml", import.meta.url);
  assertEquals(read(await Deno.readTextFile(url)), {
    given: [
      'network.podCIDR.nodeLocal="10.244.1.0/24"@4',
      'network.podCIDR.base="10.244.0.0/16"@5',
      'network.podCIDR.perNode="/24"@6',
      'network.serviceCIDR="10.96.0.0/16"@7',
      "network.mtu=1280@8",
    ],
    told: [],
  });
});

Deno.test("readSettingsText: what is empty is not given", () => {
  for (
    const text of ["", "# a comment\n", "---\n", "null", '""', "network:\n  mtu:\n", "network:"]
  ) {
    assertEquals(read(text), { given: [], told: [] }, text);
  }
  assertEquals(read('headscale: {url: "", authKey: "", authKeyFile: }').told, []);
});

Deno.test("readSettingsText: tells every fault at once, with its line", () => {
  const text = `
network:
  mtu: 12
  podCIDR:
    bas: 10.0.0.0/8
  enableIPv6: perhaps
  hostPorts: true
mtu: 9
bogus: 1
monitoring: yes
cniPlugins:
  - name: portmap
    prio: 4
  - name: ../x
`;
  assertEquals(read(text).told, [
    "f:3: network.mtu: a number of bytes from 576 to 65535 wanted, got 12",
    "f:5: network.podCIDR.bas: there is no such key; did you mean network.podCIDR.base?",
    'f:6: network.enableIPv6: true or false wanted, got "perhaps"',
    "f:7: network.hostPorts: there is no such key; network has podCIDR, podCIDRSubnet, serviceCIDR, " +
    "mtu, enableIPv6, enableNetworkPolicy, datapath, bridge, ipMasq, ipMasqTailnet, " +
    "guardClusterCIDR",
    "f:8: mtu: there is no such key; did you mean network.mtu or tailscale.mtu?",
    "f:9: bogus: there is no such key; the file has node, network, cni, cniPlugins, ipam, dns, " +
    "monitoring, logging, daemon, kube, headscale, tailscale, dataDir, runDirectory, socket, " +
    "resyncInterval",
    "f:10: monitoring: a mapping wanted: keys with values",
    "f:13: cniPlugins[0].prio: there is no such key; a list of plugins: name, enabled, priority, " +
    "config wanted",
    'f:14: cniPlugins[1].name: a file name wanted, got "../x"',
  ]);
});

Deno.test("readSettingsText: two values of a setting, under two names or one, are a fault", () => {
  assertEquals(read("daemon: {logLevel: info}\nlogging: {level: debug}\n").told, [
    "f:2: logging.level: one value wanted, got another one than f:1",
  ]);
  assertEquals(read("daemon: {logLevel: info}\nlogging: {level: info}\n").told, []);
  const twoKeys = "config: {headscale: {authKey: a}}\nheadscale: {authKey: b}\n";
  assertEquals(read(twoKeys, true).told, [
    "f:2: headscale.authKey: one value wanted, got another one than f:1",
  ]);
  assertEquals(read("config: {dataDir: /a}\ndataDir: /b\n").told, [
    "f:2: dataDir: one value wanted, got another one than f:1",
  ]);
  assertEquals(read("socket: /a\nsocket: /b\n").told, [
    "f:2: YAML wanted, got a fault (duplicate key)",
  ]);
});

Deno.test("readSettingsText: a text that is no settings is a fault with its line", () => {
  const rows: readonly [text: string, fault: string][] = [
    ["- a\n", "f: a mapping wanted: keys with values"],
    ["hello", "f: a mapping wanted: keys with values"],
    ["network:\n\tmtu: 1\n", "f:2: YAML wanted, got a fault (tab as indent)"],
    ["network: {mtu: 1280\n", "f:2: YAML wanted, got a fault (bad indent)"],
    ["a: 1\n---\nb: 2\n", "f:2: YAML wanted, got a fault (multiple docs)"],
    [
      "socket: &a /a\ndataDir: *a\n",
      "f:2: a value without anchor and alias wanted; write the value itself",
    ],
    [
      "config: &a {config: *a}\n",
      "f:1: a value without anchor and alias wanted; write the value itself",
    ],
  ];
  for (const [text, fault] of rows) assertEquals(read(text).told[0], fault, text);
});

Deno.test("readSettingsText: hostile keys are unknown ones", () => {
  const keys = ["__proto__", "constructor", "toString", "config.config", "network.__proto__", "1"];
  for (const key of keys) {
    const [told = ""] = read(`${JSON.stringify(key)}: {a: 1}`).told;
    assertEquals(told.startsWith(`f:1: ${key}: there is no such key`), true, told);
  }
  assertEquals(read("? [a, b]\n: 1\n").told[0]?.startsWith("f:1: a,b: there is no such"), true);
  assertEquals(read("config: {config: {dataDir: /a}}").given, []);
});

Deno.test("readSettingsText: a secret only in a file of root's own, or by the name of its file", () => {
  const text = "headscale:\n  authKey: hs-key-7\ntailscale: {authKeyFile: /k}\n";
  assertEquals(read(text, true), {
    given: ["headscale.authKey=hs-key-7@2", "tailscale.authKey=/k@3"],
    told: [],
  });
  assertEquals(read(text, false), {
    given: ["tailscale.authKey=/k@3"],
    told: [
      "f:2: headscale.authKey: no secret wanted in a file that others can read; use " +
      "headscale.authKeyFile or the variable HEADSCALE_AUTH_KEY, or make the file root's with mode " +
      "0600",
    ],
  });
  assertEquals(read("headscale: {authKeyFile: key}").told, [
    "f:1: headscale.authKeyFile: an absolute path wanted",
  ]);
  assertEquals(read("headscale: {authKeyFile: /a, authKey: b}", true).told, [
    "f:1: headscale.authKey: one value wanted, got another one than f:1",
  ]);
  assertEquals(read("headscale: {authKey: [hs-key-7]}", true).told, [
    "f:1: headscale.authKey: a text wanted",
  ]);
});
