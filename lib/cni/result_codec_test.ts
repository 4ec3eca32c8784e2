import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../errors.ts";
import { formatPrefix } from "../net/prefix.ts";
import type { Result } from "./result.ts";
import { formatResult, parseDns, parseResult, parseRoutes } from "./result_codec.ts";
import { SPEC_VERSIONS, type SpecVersion } from "./version.ts";

/** One result in the shapes of all versions. */
const GOLDEN = JSON.parse(
  Deno.readTextFileSync(new URL("../../tests/fixtures/cni/results.json", import.meta.url)),
);
const FULL = parseResult(GOLDEN["1.1.0"], "golden", "1.1.0");
const EMPTY: Result = { interfaces: [], ips: [], routes: [], dns: {} };

/** The version whose shape a version shares. */
const SHAPE: Record<SpecVersion, string> = {
  "0.1.0": "0.1.0",
  "0.2.0": "0.1.0",
  "0.3.0": "0.3.0",
  "0.3.1": "0.3.0",
  "0.4.0": "0.3.0",
  "1.0.0": "1.0.0",
  "1.1.0": "1.1.0",
};

/** What a reader of the JSON gets: no undefined members. */
const written = (result: Result, version: SpecVersion) =>
  JSON.parse(JSON.stringify(formatResult(result, version)));

for (const version of SPEC_VERSIONS) {
  const golden = { ...GOLDEN[SHAPE[version]], cniVersion: version };

  Deno.test(`formatResult: ${version} has its own shape`, () => {
    assertEquals(written(FULL, version), golden);
  });

  Deno.test(`parseResult: ${version} keeps all that the shape holds`, () => {
    assertEquals(written(parseResult(golden, "golden", "1.1.0"), version), golden);
  });
}

Deno.test("formatResult: what is empty is left out", () => {
  assertEquals(written(EMPTY, "1.1.0"), { cniVersion: "1.1.0" });
  assertEquals(written(EMPTY, "0.3.0"), { cniVersion: "0.3.0" });
});

Deno.test("formatResult: 0.1.0 and 0.2.0 need an address, of either family", () => {
  for (const version of ["0.1.0", "0.2.0"] as const) {
    const error = assertThrows(() => formatResult(EMPTY, version), ConfigError);
    assertEquals(error.message, "cannot convert: no valid IP addresses");
    const v6 = { ...EMPTY, ips: FULL.ips.slice(2) };
    assertEquals(written(v6, version), {
      cniVersion: version,
      ip6: { ip: "fd00:244:1::5/64", gateway: "fd00:244:1::1" },
    });
  }
});

Deno.test("parseResult: takes what formatResult answers as it is", () => {
  const bare: Result = { ...EMPTY, interfaces: [{ name: "br0" }], ips: FULL.ips.slice(0, 1) };
  for (const result of [FULL, bare]) {
    assertEquals(parseResult(formatResult(result, "1.1.0"), "prevResult", "1.1.0"), result);
  }
});

Deno.test("parseResult: the version of a result without one is assumed", () => {
  const old = { ip4: { ip: "10.0.0.2/24" } };
  assertEquals(parseResult(old, "answer", "0.2.0").ips.length, 1);
  assertEquals(parseResult(old, "answer", "0.3.0").ips.length, 0);
});

Deno.test("parseResult: null and empty text count as absent", () => {
  const result = parseResult(
    {
      cniVersion: "0.4.0",
      interfaces: [{ name: "eth0", mac: "", sandbox: "" }, {}],
      ips: [{ version: "4", interface: 0, address: "10.0.0.2/24", gateway: null }],
      routes: [{ dst: "0.0.0.0/0", gw: "", mtu: null }],
      dns: { nameservers: null, domain: "", search: [] },
    },
    "prevResult",
    "1.0.0",
  );
  assertEquals(result.interfaces, [{ name: "eth0" }, { name: "" }]);
  assertEquals(Object.keys(result.ips[0] ?? {}), ["address", "interface"]);
  assertEquals(Object.keys(result.routes[0] ?? {}), ["dst"]);
  assertEquals(result.dns, { search: [] });
  for (const none of [{ interfaces: null, ips: null, routes: null, dns: null }, {}]) {
    assertEquals(parseResult(none, "prevResult", "1.0.0"), EMPTY);
  }
});

Deno.test("parseResult: lists every fault with path and value", () => {
  for (
    const [input, faults] of [
      [null, "(top level): Object wanted, got undefined"],
      ["x", '(top level): Object wanted, got "x"'],
      [{ ips: {} }, "ips: Array wanted, got {}"],
      [
        { ips: [{ address: "10.0.0.2" }, {}], routes: [{ dst: "x", gw: "y" }] },
        'ips.0.address: an IP prefix wanted, got "10.0.0.2"; ' +
        'ips.1.address: "address" wanted, got undefined; ' +
        'routes.0.dst: an IP prefix wanted, got "x"; routes.0.gw: an IP address wanted, got "y"',
      ],
      [
        { ips: [{ address: "10.0.0.2/24", interface: "0" }] },
        'ips.0.interface: number wanted, got "0"',
      ],
      [{ cniVersion: "0.2.0", ip4: { ip: 4 } }, "ip4.ip: string wanted, got 4"],
    ] as const
  ) {
    const error = assertThrows(() => parseResult(input, "prevResult", "1.0.0"), ConfigError);
    assertEquals([error.reason, error.message], [
      "invalid-config",
      `Cannot use prevResult: ${faults}`,
    ]);
  }
  assertThrows(() => parseResult({ cniVersion: "2.0.0" }, "prevResult", "1.0.0"), ConfigError);
});

Deno.test("parseRoutes: destinations need not be canonical", () => {
  const routes = parseRoutes(
    [{ dst: "2001:db8:2::0/64" }, { dst: "10.0.0.7/8", gw: "10.0.0.1", scope: 0 }],
    "ipam.routes",
  );
  assertEquals(routes.map(({ dst }) => formatPrefix(dst)), ["2001:db8:2::/64", "10.0.0.7/8"]);
  assertEquals(routes[1]?.scope, 0);
  assertEquals(parseRoutes(undefined, "ipam.routes"), []);
  assertEquals(parseRoutes(null, "ipam.routes"), []);
  assertThrows(
    () => parseRoutes([{}], "ipam.routes"),
    ConfigError,
    "Cannot use ipam.routes: 0.dst",
  );
});

Deno.test("parseDns: reads what is there", () => {
  const dns = { nameservers: ["10.96.0.10"], domain: "cluster.local" };
  assertEquals(parseDns({ ...dns, options: null, other: 1 }, "dns"), dns);
  assertEquals(parseDns(undefined, "dns"), {});
  assertThrows(() => parseDns({ search: "a" }, "dns"), ConfigError, "dns: search: Array wanted");
});
