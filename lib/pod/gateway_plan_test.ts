import { assertEquals } from "@std/assert";
import { parseAddress } from "../net/address.ts";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { diffGateways } from "./gateway_plan.ts";

const CASES = [
  {
    name: "nothing there",
    ip: "10.0.0.2/24",
    gateway: "10.0.0.1",
    present: [],
    stale: [],
    missing: ["10.0.0.1/24"],
  },
  {
    name: "there already",
    ip: "10.0.0.2/24",
    gateway: "10.0.0.1",
    present: ["10.0.0.1/24"],
    stale: [],
    missing: [],
  },
  {
    name: "another IPv4 subnet",
    ip: "10.0.0.2/24",
    gateway: "10.0.0.1",
    present: ["10.9.0.1/24"],
    stale: ["10.9.0.1/24"],
    missing: ["10.0.0.1/24"],
  },
  {
    name: "another IPv4 subnet beside the gateway",
    ip: "10.0.0.2/24",
    gateway: "10.0.0.1",
    present: ["10.9.0.1/24", "10.0.0.1/24"],
    stale: [],
    missing: [],
  },
  {
    name: "another prefix length",
    ip: "10.0.0.2/24",
    gateway: "10.0.0.1",
    present: ["10.0.0.1/16"],
    stale: ["10.0.0.1/16"],
    missing: ["10.0.0.1/24"],
  },
  {
    name: "IPv6 subnets apart",
    ip: "fd00::2/64",
    gateway: "fd00::1",
    present: ["fd01::1/64"],
    stale: [],
    missing: ["fd00::1/64"],
  },
  {
    name: "IPv6 subnets that overlap",
    ip: "fd00::2/64",
    gateway: "fd00::1",
    present: ["fd00::9/48"],
    stale: ["fd00::9/48"],
    missing: ["fd00::1/64"],
  },
  {
    name: "the other family",
    ip: "fd00::2/64",
    gateway: "fd00::1",
    present: ["10.0.0.1/24"],
    stale: [],
    missing: ["fd00::1/64"],
  },
];

for (const { name, ip, gateway, present, stale, missing } of CASES) {
  Deno.test(`diffGateways: ${name}`, () => {
    const plan = diffGateways(
      [{ address: parsePrefix(ip), gateway: parseAddress(gateway) }],
      present.map((text) => ({
        linkIndex: 1,
        address: parsePrefix(text),
        scope: 0,
        tentative: false,
      })),
    );
    assertEquals(plan.stale.map(formatPrefix), stale);
    assertEquals(plan.missing.map(formatPrefix), missing);
  });
}

Deno.test("diffGateways: link-local addresses of the bridge are the kernel's own", () => {
  const address = parsePrefix("fe80::1/64");
  const present = [{ linkIndex: 1, address, scope: 253, tentative: false }];
  const ips = [{ address: parsePrefix("fe80::2/64"), gateway: parseAddress("fe80::9") }];
  assertEquals(diffGateways(ips, present).stale, []);
});
