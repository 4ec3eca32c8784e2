import { assert, assertEquals } from "@std/assert";
import { formatAddress } from "../../net/address.ts";
import { formatPrefix } from "../../net/prefix.ts";
import { ENTRIES, type Entry } from "./catalogue.ts";
import { formatFault, formatOrigin } from "./given.ts";
import { readFlags } from "./read_flags.ts";
import { type Resolution, resolveSettings } from "./resolve.ts";
import type { Settings } from "./settings.ts";
import { tellSettings } from "./tell.ts";

/** What gives settings in a test. */
interface Given {
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
  readonly text?: string;
  readonly hostname?: string;
}

function resolve({ args = [], env = {}, text, hostname = "Worker-1" }: Given): Resolution {
  const file = text === undefined ? undefined : { path: "f", text, isPrivate: true };
  return resolveSettings({ flags: readFlags(args), env, file, hostname });
}

function settingsOf(given: Given): Settings {
  const { settings, faults } = resolve(given);
  assertEquals(faults, []);
  assert(settings);
  return settings;
}

Deno.test("resolveSettings: defaults", () => {
  const settings = settingsOf({});
  assertEquals(settings.node.name, "worker-1");
  assertEquals(settings.socket, "/run/headcni/daemon.sock");
  assertEquals(settings.network.podCIDR.perNode, { 4: 24, 6: 64 });
  assertEquals(settings.network.podCIDR.allowComputed, "none");
  assertEquals(formatAddress(settings.monitoring.address), "127.0.0.1");
  assertEquals(settings.ipam.gcInterval.ms, 3_600_000);
  assertEquals(settings.tailscale.url, undefined);
  assertEquals(settings.cniPlugins, []);
});

Deno.test("resolveSettings: a default can follow another setting", () => {
  const text = "runDirectory: /r\nheadscale: {url: https://hs.example.org}\n";
  const settings = settingsOf({ text });
  assertEquals(settings.socket, "/r/daemon.sock");
  assertEquals(settings.tailscale.url, "https://hs.example.org");
  assertEquals(settingsOf({ text, args: ["--run-directory=/s"] }).socket, "/s/daemon.sock");
});

/** Three good values of each kind, by the word that stands for its values in help texts. */
const SAMPLES: Readonly<Record<string, readonly [string, string, string]>> = {
  NAME: ["a1", "b2", "c3"],
  "CIDR[,CIDR]": ["10.1.0.0/24", "10.2.0.0/24", "10.3.0.0/24"],
  "/LENGTH[,/LENGTH]": ["/25,/65", "/26,/66", "/27,/67"],
  "true|false": ["false", "true", "false"],
  PATH: ["/a", "/b", "/c"],
  ADDRESS: ["10.0.0.1", "::1", "10.0.0.3"],
  PORT: ["1", "2", "3"],
  N: ["1", "2", "3"],
  BYTES: ["1300", "1400", "1500"],
  DURATION: ["1h", "2h", "3h"],
  SIZE: ["1MB", "2MB", "3MB"],
  AGE: ["1d", "2d", "3d"],
  URL: ["http://a", "http://b", "http://c"],
  TEXT: ["a", "b", "c"],
  "ADDRESS,...": ["10.0.0.1", "10.0.0.2", "10.0.0.3"],
  "NAME,...": ["a", "b", "c"],
  "TEXT,...": ["a", "b", "c"],
  "TAG,...": ["tag:a", "tag:b", "tag:c"],
};

function samplesOf({ key, setting }: Entry): readonly [string, string, string] {
  const { placeholder } = setting.kind;
  const [first = "", second = first, third = first] = placeholder.split("|");
  return SAMPLES[placeholder] ??
    (key === "cniPlugins" ? ["[]", "[]", "[]"] : [first, second, third]);
}

/** `a.b` and `1` as the YAML `a: {b: "1"}`. */
function yamlOf(key: string, value: string): string {
  return key.split(".").reduceRight((inner, name) => `{${name}: ${inner}}`, JSON.stringify(value));
}

/** The value of a key, as it is told, and where it comes from. */
function tell(given: Given, key: string): [value: unknown, from: string] {
  const { origins } = resolve(given);
  const told = tellSettings(settingsOf(given), origins).find((one) => one.key === key);
  const value = Array.isArray(told?.value) ? told.value.join(",") : String(told?.value);
  return [value, told?.from ?? ""];
}

for (const entry of ENTRIES.filter(({ setting }) => !setting.isSecret)) {
  const { key, setting: { env = [], fallbackEnv = [], flags = [] } } = entry;
  Deno.test(`resolveSettings: ${key} by flag over variable over file over default`, () => {
    const [inFile, inEnv, inFlag] = samplesOf(entry);
    const text = yamlOf(key, inFile);
    for (const name of fallbackEnv) {
      assertEquals(tell({ env: { [name]: inEnv } }, key), [inEnv, `env ${name}`]);
      assertEquals(tell({ env: { [name]: inEnv }, text }, key), [inFile, "f:1"]);
    }
    if (key !== "cniPlugins") assertEquals(tell({ text }, key), [inFile, "f:1"]);
    for (const name of env) {
      const variables = { [name]: inEnv };
      assertEquals(tell({ text, env: variables }, key), [inEnv, `env ${name}`]);
      for (const flag of flags) {
        const given = { text, env: variables, args: [`--${flag}=${inFlag}`] };
        assertEquals(tell(given, key), [inFlag, `flag --${flag}`]);
      }
    }
    for (const flag of flags) {
      assertEquals(tell({ text, args: [`--${flag}`, inFlag] }, key), [inFlag, `flag --${flag}`]);
    }
  });
}

Deno.test("resolveSettings: a secret by flag over variable over file", () => {
  const text = "headscale: {authKey: in-file}";
  const env = { HEADSCALE_AUTH_KEY: "in-env" };
  const args = ["--headscale-auth-key-file=/k"];
  assertEquals(settingsOf({ text }).headscale.authKey?.reveal(), "in-file");
  assertEquals(settingsOf({ text, env }).headscale.authKey?.reveal(), "in-env");
  assertEquals(settingsOf({ text, env, args }).headscale.authKey?.file, "/k");
});

Deno.test("resolveSettings: both families, in one text or as a list", () => {
  for (const base of ['"10.244.0.0/16,fd00::/48"', '["10.244.0.0/16", "fd00::/48"]']) {
    const { podCIDR } = settingsOf({ text: `network: {podCIDR: {base: ${base}}}` }).network;
    assertEquals(podCIDR.base?.map(formatPrefix), ["10.244.0.0/16", "fd00::/48"]);
  }
});

Deno.test("resolveSettings: tells the faults of all sources at once, also of what another wins", () => {
  const { settings, faults } = resolve({
    text: "network:\n  mtu: 1\n",
    env: { HEADCNI_NETWORK_MTU: "2", METRICS_PORT: "0" },
    args: ["--network-mtu=1400", "--bogus"],
    hostname: "Bad_Name",
  });
  assertEquals(settings, undefined);
  assertEquals(faults.map(formatFault), [
    "f:2: network.mtu: a number of bytes from 576 to 65535 wanted, got 1",
    'env HEADCNI_NETWORK_MTU: network.mtu: a number of bytes from 576 to 65535 wanted, got "2"',
    'env METRICS_PORT: monitoring.port: a port from 1 to 65535 wanted, got "0"',
    "flag --bogus: there is no such flag; --help lists all",
    'default: node.name: a node name of lower case letters, digits, - and . wanted, got "bad_name"',
  ]);
});

const disagreements: readonly [text: string, fault: string][] = [
  [
    "network: {podCIDR: {nodeLocal: 10.1.0.0/24, base: 10.244.0.0/16}}",
    "f:1: network.podCIDR.nodeLocal: a part of 10.244.0.0/16 (network.podCIDR.base) wanted, got " +
    "10.1.0.0/24",
  ],
  [
    "network: {podCIDR: {nodeLocal: 'fd00::/32', base: 'fd00::/48'}}",
    "f:1: network.podCIDR.nodeLocal: a part of fd00::/48 (network.podCIDR.base) wanted, got fd00::/32",
  ],
  [
    "network: {podCIDR: {perNode: /15, base: 10.244.0.0/16}}",
    "f:1: network.podCIDR.perNode: a part of 10.244.0.0/16 (network.podCIDR.base) wanted, got /15",
  ],
  [
    "network: {podCIDR: {perNode: /24, base: 10.244.0.0/26}}",
    "f:1: network.podCIDR.perNode: a part of 10.244.0.0/26 (network.podCIDR.base) wanted, got /24",
  ],
  [
    "network: {podCIDR: {base: 10.244.0.0/26, allowComputed: hash}}",
    "default: network.podCIDR.perNode: a part of 10.244.0.0/26 (network.podCIDR.base) wanted, got " +
    "/24",
  ],
  [
    "network: {podCIDR: {base: 10.0.0.0/8}, serviceCIDR: 10.96.0.0/16}",
    "f:1: network.serviceCIDR: a network apart from that of pods, 10.0.0.0/8, wanted, got 10.96.0.0/16",
  ],
];

for (const [text, fault] of disagreements) {
  Deno.test(`resolveSettings: ${text} contradicts itself`, () => {
    assertEquals(resolve({ text }).faults.map(formatFault), [fault]);
  });
}

Deno.test("resolveSettings: what agrees, although it looks as if it did not", () => {
  const rows = [
    "network: {podCIDR: {nodeLocal: 'fd00::/64', base: 10.244.0.0/16}}",
    "network: {podCIDR: {nodeLocal: 10.244.0.0/16, base: 10.244.0.0/16}}",
    "network: {podCIDR: {base: 'fd00::/48', perNode: /16}}",
    "network: {podCIDR: {base: '10.244.0.0/26,fd00::/80'}}",
    "network: {podCIDR: {base: 10.244.0.0/26, nodeLocal: 10.244.0.0/28}}",
    "network: {podCIDR: {base: 'fd00::/48', allowComputed: hash}, serviceCIDR: 10.96.0.0/16}",
  ];
  for (const text of rows) assertEquals(resolve({ text }).faults, [], text);
});

Deno.test("resolveSettings: warns of what is not as its writer may think", () => {
  const text = "network: {enableNetworkPolicy: true, mtu: 1230, podCIDR: {base: 'fd00::/48'}}\n" +
    "monitoring: {address: '::'}\nlogging: {output: none}\n";
  assertEquals(resolve({ text }).warnings, [
    "network.enableNetworkPolicy: this release enforces no NetworkPolicy",
    "network.mtu: IPv6 needs 1280 bytes; with 1230 pods have none",
    "monitoring.address: whoever reaches :: reads health and metrics without a password",
    "logging.output: nothing is logged, for logging.file.path names no file",
  ]);
  const quiet =
    "network: {mtu: 1230, podCIDR: {base: 10.42.0.0/16}}\nmonitoring: {address: '::1'}\n";
  assertEquals(resolve({ text: quiet }).warnings, []);
});

Deno.test("resolveSettings: every setting has an origin", () => {
  const { origins } = resolve({ env: { NODE_NAME: "n" } });
  assertEquals(origins.size, ENTRIES.length);
  assertEquals(
    new Set(Array.from(origins.values(), formatOrigin)),
    new Set(["env NODE_NAME", "default"]),
  );
});
