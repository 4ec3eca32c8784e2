import { assertEquals } from "@std/assert";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import type { KernelRoute } from "../net/route.ts";
import { RT_TABLE_MAIN, RTN_UNICAST } from "../netlink/route.ts";
import { remotePodCidrs } from "./remote_pod_cidrs.ts";

const DEVICE = { index: 7 };
/** A throw route, with which tailscaled keeps a local network out: linux/rtnetlink.h. */
const RTN_THROW = 9;

const ROUTES = [
  route("10.1.2.0/24"),
  route("fd00:2::/64"),
  route("100.64.0.3/32"),
  route("100.100.100.100/32"),
  route("fd7a:115c:a1e0::3/128"),
  route("0.0.0.0/0"),
  route("::/0"),
  route("10.1.2.0/24", { priority: 5 }),
  route("10.1.3.0/24", { table: RT_TABLE_MAIN }),
  route("10.1.4.0/24", { linkIndex: 8 }),
  route("192.168.7.0/24", { routeType: RTN_THROW }),
];

Deno.test("remotePodCidrs: what tailscaled accepted, by its own link, but no tailnet and no exit", () => {
  assertEquals(found([]), ["10.1.2.0/24", "fd00:2::/64"]);
  assertEquals(remotePodCidrs({ clusterCidrs: [] }, ROUTES, undefined), []);
});

Deno.test("remotePodCidrs: nothing of a family whose cluster network is known", () => {
  assertEquals(found(["10.1.0.0/16"]), ["fd00:2::/64"]);
  assertEquals(found(["10.1.0.0/16", "fd00::/48"]), []);
});

function found(clusterCidrs: readonly string[]): string[] {
  const cluster = { clusterCidrs: clusterCidrs.map(parsePrefix) };
  return remotePodCidrs(cluster, ROUTES, DEVICE).map(formatPrefix);
}

function route(destination: string, fields: Partial<KernelRoute> = {}): KernelRoute {
  return {
    destination: parsePrefix(destination),
    linkIndex: DEVICE.index,
    onlink: false,
    table: 52,
    scope: 0,
    protocol: 3,
    routeType: RTN_UNICAST,
    ...fields,
  };
}
