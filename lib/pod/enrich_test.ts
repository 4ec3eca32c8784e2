import { assertEquals } from "@std/assert";
import { parseResult } from "../cni/result_codec.ts";
import type { Result } from "../cni/result.ts";
import { parseSubnetFile } from "../discovery/subnet_file.ts";
import { formatAddress } from "../net/address.ts";
import { formatPrefix } from "../net/prefix.ts";
import { enrichResult, resultForCheck } from "./enrich.ts";

const FILE = parseSubnetFile({
  path: "/run/x",
  text: "network: 10.244.0.0/16\nsubnet: 10.244.1.0/24\n" +
    "ipv6_network: fd00::/48\nipv6_subnet: fd00:0:0:1::/64\ndns:\n  nameservers: [10.96.0.10]\n",
}, {});

function resultOf(routes: readonly unknown[], dns: unknown = {}): Result {
  return parseResult({ ips: [{ address: "10.244.1.5/24" }], routes, dns }, "result", "1.1.0");
}

/** As `ip route` names them. */
function routesOf({ routes }: Result): string[] {
  return routes.map(({ dst, gw }) => formatPrefix(dst) + (gw ? ` via ${formatAddress(gw)}` : ""));
}

Deno.test("enrichResult: networks behind a wider route, with its gateway", () => {
  const result = resultOf([{ dst: "0.0.0.0/0", gw: "10.244.1.1" }, { dst: "10.0.0.0/8" }]);
  assertEquals(routesOf(enrichResult(result, FILE)), [
    "0.0.0.0/0 via 10.244.1.1",
    "10.0.0.0/8",
    "10.244.0.0/16",
  ]);
  const both = resultOf([{ dst: "0.0.0.0/0", gw: "10.244.1.1" }, { dst: "::/0", gw: "fd00::1" }]);
  assertEquals(routesOf(enrichResult(both, FILE)).slice(2), [
    "10.244.0.0/16 via 10.244.1.1",
    "fd00::/48 via fd00::1",
  ]);
});

Deno.test("enrichResult: nothing that is there already, or that the pod does not do", () => {
  for (
    const routes of [
      [],
      [{ dst: "10.244.0.0/16" }],
      [{ dst: "0.0.0.0/0" }, { dst: "10.244.3.0/16", gw: "10.244.1.9" }],
      [{ dst: "10.244.1.0/24" }],
      [{ dst: "0.0.0.0/0", table: 100 }],
    ]
  ) {
    const result = resultOf(routes);
    assertEquals(enrichResult(result, FILE).routes, result.routes, JSON.stringify(routes));
  }
});

Deno.test("enrichResult: the dns of the file where the result has none", () => {
  assertEquals(enrichResult(resultOf([]), FILE).dns, { nameservers: ["10.96.0.10"] });
  const dns = { search: ["local"] };
  assertEquals(enrichResult(resultOf([], dns), FILE).dns, dns);
  assertEquals(enrichResult(resultOf([], dns), undefined), resultOf([], dns));
});

Deno.test("resultForCheck: what was added goes, what the pod has stays", () => {
  for (
    const routes of [
      [],
      [{ dst: "0.0.0.0/0", gw: "10.244.1.1" }],
      [{ dst: "::/0" }, { dst: "10.244.0.0/16", gw: "10.244.1.1" }],
      [{ dst: "0.0.0.0/0", gw: "10.244.1.1" }, { dst: "10.244.0.0/16", gw: "10.244.1.9" }],
    ]
  ) {
    const result = resultOf(routes);
    assertEquals(resultForCheck(enrichResult(result, FILE), FILE).routes, result.routes);
    assertEquals(resultForCheck(result, undefined), result);
  }
});

Deno.test("resultForCheck: a route without a gateway has the pod's of its family", () => {
  const result = parseResult(
    {
      ips: [{ address: "10.244.1.5/24", gateway: "10.244.1.1" }],
      routes: [
        { dst: "10.96.0.0/12" },
        { dst: "10.97.0.0/16", gw: "10.244.1.9" },
        { dst: "10.98.0.0/16", scope: 253 },
        { dst: "fd00::/48" },
      ],
    },
    "result",
    "1.1.0",
  );
  assertEquals(routesOf(resultForCheck(result, FILE)), [
    "10.96.0.0/12 via 10.244.1.1",
    "10.97.0.0/16 via 10.244.1.9",
    "10.98.0.0/16",
    "fd00::/48",
  ]);
});
