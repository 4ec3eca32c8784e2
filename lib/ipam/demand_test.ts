import { assertEquals, assertThrows } from "@std/assert";
import { POD_ANNOTATIONS } from "../attachment.ts";
import { ConfigError } from "../errors.ts";
import { formatAddress } from "../net/address.ts";
import { type DemandSources, parseDemand } from "./demand.ts";

/** Sources, and the addresses that they ask for. */
const ADDRESSES: readonly [DemandSources, string[]][] = [
  [{}, []],
  [{ argsIp: "", cniArgs: null, runtimeConfig: {} }, []],
  [{ argsIp: "10.1.2.10" }, ["10.1.2.10"]],
  [{ argsIp: "10.1.2.11/24" }, ["10.1.2.11"]],
  [
    {
      argsIp: "10.1.2.10",
      cniArgs: { ips: ["10.1.2.11/24", "11.11.11.11/24", "2001:db8:1::11/64"] },
    },
    ["10.1.2.10", "10.1.2.11", "11.11.11.11", "2001:db8:1::11"],
  ],
  [
    { runtimeConfig: { ips: ["192.168.0.1", "192.168.0.5/24", "2001:db8::1/64"] } },
    ["192.168.0.1", "192.168.0.5", "2001:db8::1"],
  ],
  [annotated({ "headcni.io/ips": "10.0.0.3, fd00::3/64,," }), ["10.0.0.3", "fd00::3"]],
  [
    {
      argsIp: "10.0.0.3, 10.0.0.4",
      cniArgs: { ips: ["10.0.0.4/24", "fd00::5"], mac: "02:00:00:00:00:01" },
      runtimeConfig: {
        ips: ["fd00:0::5/64", "10.0.0.6"],
        mac: "02:00:00:00:00:01",
        [POD_ANNOTATIONS]: { "headcni.io/ips": "10.0.0.6,10.0.0.7" },
      },
    },
    ["10.0.0.3", "10.0.0.4", "fd00::5", "10.0.0.6", "10.0.0.7"],
  ],
];

/** Sources and the text that they are refused with. */
const REFUSED: readonly [DemandSources, ConfigError["reason"], string][] = [
  [
    { argsIp: "10.0.0.9,x" },
    "invalid-environment",
    'Cannot use IP "x" of CNI_ARGS: not an IP address',
  ],
  [
    { cniArgs: { ips: ["10.0.0.9", "x"] } },
    "invalid-config",
    'Cannot use args.cni: ips.1: an IP address wanted, got "x"',
  ],
  [
    { runtimeConfig: { ips: "10.0.0.9", ipRanges: [{ subnet: "10.0.0.0/24" }] } },
    "invalid-config",
    'Cannot use runtimeConfig: ips: Array wanted, got "10.0.0.9"; ' +
    'ipRanges.0: Array wanted, got {"subnet":"10.0.0.0/24"}',
  ],
  [
    annotated({ "headcni.io/ips": '["10.0.0.9"]' }),
    "invalid-config",
    'Cannot use IP "["10.0.0.9"]" of annotation "headcni.io/ips": not an IP address',
  ],
  [
    annotated({ "headcni.io/ip": "10.0.0.9", "headcni.io/pools": "x" }),
    "invalid-config",
    'Cannot use annotations "headcni.io/...": ip: the key "ips" wanted, got "10.0.0.9"; ' +
    'pools: the key "pool" wanted, got "x"',
  ],
];

Deno.test("parseDemand: joins the addresses of all sources", () => {
  for (const [sources, want] of ADDRESSES) {
    assertEquals(parseDemand(sources).addresses.map(formatAddress), want, JSON.stringify(sources));
  }
});

for (const [sources, reason, text] of REFUSED) {
  Deno.test(`parseDemand: refuses ${JSON.stringify(sources)}`, () => {
    const error = assertThrows(() => parseDemand(sources), ConfigError);
    assertEquals([error.reason, error.message], [reason, text]);
  });
}

Deno.test("parseDemand: the pool is that of the annotation, others are not ours", () => {
  assertEquals(parseDemand(annotated({ "headcni.io/pool": "db", "app/pool": "x" })).pool, "db");
  assertEquals(parseDemand(annotated({ "headcni.io/pool": "", "headcni.io": 5 })).pool, undefined);
  assertEquals(parseDemand(annotated({ "headcni.io/mac": "02::", other: null })).pool, undefined);
});

Deno.test("parseDemand: a pool that is named wins over the annotation", () => {
  assertEquals(parseDemand({ ...annotated({ "headcni.io/pool": "db" }), pool: "web" }).pool, "web");
});

function annotated(annotations: Record<string, unknown>): DemandSources {
  return { runtimeConfig: { [POD_ANNOTATIONS]: annotations } };
}
