import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import {
  decodeConfig,
  MAX_CONFIG_BYTES,
  parseNetworkConfig,
  requirePrevResult,
} from "./network_config.ts";

const encode = (text: string) => new TextEncoder().encode(text);

Deno.test("decodeConfig: reads an object, with and without a byte order mark", () => {
  assertEquals(decodeConfig(encode('{"name":"a"}\n')), { name: "a" });
  assertEquals(decodeConfig(encode('\ufeff{"name":"a"}')), { name: "a" });
});

Deno.test("decodeConfig: refuses everything else as undecodable", () => {
  for (
    const [bytes, seen] of [
      [new Uint8Array(0), "standard input is empty"],
      [encode(" "), "standard input is no JSON text"],
      [encode('{"name":'), "standard input is no JSON text"],
      [encode('{"name":"a"} {}'), "standard input is no JSON text"],
      [Uint8Array.of(0x7b, 0xff, 0xfe, 0x00), "standard input is no JSON text"],
      [encode("null"), "an object wanted, got null"],
      [encode("[1]"), "an object wanted, got [1]"],
      [encode('"text"'), 'an object wanted, got "text"'],
      [encode("5"), "an object wanted, got 5"],
      [new Uint8Array(MAX_CONFIG_BYTES + 1).fill(0x20), "it has more than 8388608 bytes"],
    ] as const
  ) {
    const error = assertThrows(() => decodeConfig(bytes), ConfigError);
    assertEquals(error.message, `Cannot decode network config: ${seen}`);
    assertEquals(error.reason, "decode-failure");
  }
});

Deno.test("parseNetworkConfig: absent keys have their defaults", () => {
  const raw = { name: "pods", type: "", ipam: null, runtimeConfig: null, args: null };
  assertEquals(parseNetworkConfig(raw, "1.0.0", "ADD"), {
    cniVersion: "1.0.0",
    name: "pods",
    type: undefined,
    raw,
    ipam: undefined,
    runtimeConfig: {},
    cniArgs: {},
    prevResult: undefined,
    validAttachments: undefined,
  });
});

Deno.test("parseNetworkConfig: reads what every plugin has, and keeps the rest in raw", () => {
  const raw = {
    name: "pods",
    type: "headcni",
    mtu: 1420,
    ipam: { type: "headcni-ipam" },
    runtimeConfig: { ips: ["10.0.0.9/24"], Mac: "02:00:00:00:00:01" },
    args: { cni: { ips: ["10.0.0.9"] }, "example.org": 1 },
    prevResult: { cniVersion: "0.2.0", ip4: { ip: "10.0.0.2/24" } },
    "cni.dev/valid-attachments": [{ containerID: "c1", ifname: "eth0" }],
  };
  const config = parseNetworkConfig(raw, "1.1.0", "GC");
  assertEquals(config.raw, raw);
  assertEquals(config.ipam, { type: "headcni-ipam" });
  assertEquals(config.runtimeConfig, { ips: ["10.0.0.9/24"], mac: "02:00:00:00:00:01" });
  assertEquals(config.cniArgs, { ips: ["10.0.0.9"] });
  assertEquals(config.prevResult?.ips.length, 1);
  assertEquals(config.validAttachments, [{ containerId: "c1", ifname: "eth0" }]);
});

Deno.test("parseNetworkConfig: an empty list of attachments is a list", () => {
  const raw = { name: "pods", "cni.dev/valid-attachments": [] };
  assertEquals(parseNetworkConfig(raw, "1.1.0", "GC").validAttachments, []);
});

Deno.test("parseNetworkConfig: refuses names that could not name a file", () => {
  const alphabet = "letters, digits, _, . and - are allowed, a letter or digit first";
  for (
    const [name, message] of [
      [undefined, "Cannot use network config: missing network name"],
      [null, "Cannot use network config: missing network name"],
      ["", "Cannot use network config: missing network name"],
      [5, "Cannot use network name 5: text wanted"],
      ["../a", `Cannot use network name "../a": ${alphabet}`],
      [".a", `Cannot use network name ".a": ${alphabet}`],
      ["a b", `Cannot use network name "a b": ${alphabet}`],
      [
        "n".repeat(300),
        `Cannot use network name "${"n".repeat(79)}...: it has 300 bytes, 255 are allowed`,
      ],
    ] as const
  ) {
    const error = assertThrows(() => parseNetworkConfig({ name }, "1.0.0", "DEL"), ConfigError);
    assertEquals([error.reason, error.message], ["invalid-config", message]);
  }
});

Deno.test("parseNetworkConfig: lists every key of a wrong type", () => {
  const raw = {
    name: "pods",
    type: 5,
    ipam: [],
    runtimeConfig: "x",
    args: { cni: 1 },
    "cni.dev/valid-attachments": [{ containerID: "c1" }],
  };
  const error = assertThrows(() => parseNetworkConfig(raw, "1.1.0", "ADD"), ConfigError);
  assertEquals(error.reason, "invalid-config");
  assertEquals(
    error.message,
    'Cannot use network config "pods": type: string wanted, got 5; ' +
      'ipam: an object wanted, got []; runtimeConfig: an object wanted, got "x"; ' +
      "args.cni: an object wanted, got 1; " +
      'cni.dev/valid-attachments.0.ifname: "ifname" wanted, got undefined',
  );
});

Deno.test("parseNetworkConfig: a list is no object", () => {
  const parse = () => parseNetworkConfig({ name: "pods", args: [] }, "1.0.0", "ADD");
  assertThrows(parse, ConfigError, "args: an object wanted, got []");
});

Deno.test("parseNetworkConfig: a broken prevResult stops ADD but not DEL", () => {
  const raw = { name: "pods", prevResult: { ips: 5 } };
  assertThrows(() => parseNetworkConfig(raw, "1.0.0", "ADD"), ConfigError, "prevResult");
  assertThrows(() => parseNetworkConfig(raw, "1.0.0", "CHECK"), ConfigError, "prevResult");
  assertEquals(parseNetworkConfig(raw, "1.0.0", "DEL").prevResult, undefined);
});

Deno.test("requirePrevResult: gives the result, or says that it is missing", () => {
  const result = { interfaces: [], ips: [], routes: [], dns: {} };
  const config = parseNetworkConfig({ name: "pods" }, "1.0.0", "CHECK");
  assertEquals(requirePrevResult({ ...config, prevResult: result }), result);
  const error = assertThrows(() => requirePrevResult(config), ConfigError, "prevResult is missing");
  assertEquals(error.reason, "invalid-config");
});
