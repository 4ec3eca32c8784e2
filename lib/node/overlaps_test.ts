import { assertEquals } from "@std/assert";
import { parsePrefix, type Prefix } from "../net/prefix.ts";
import { checkPodCidr, type HostRoute, outsideOf } from "./overlaps.ts";

function prefixes(texts: string): Prefix[] {
  return texts.split(" ").filter((text) => text !== "").map(parsePrefix);
}

function route(destination: string, link: string, hasGateway = false): HostRoute {
  return { destination: parsePrefix(destination), link, hasGateway };
}

function check(
  cidrs: string,
  { cluster = "", services = "", routes = [], inUse = "" }: {
    cluster?: string;
    services?: string;
    routes?: readonly HostRoute[];
    inUse?: string;
  } = {},
) {
  return checkPodCidr(prefixes(cidrs), {
    clusterCidrs: prefixes(cluster),
    serviceCidrs: prefixes(services),
    hostRoutes: routes,
    inUse: prefixes(inUse),
  });
}

Deno.test("checkPodCidr: nothing to say of what is in its place", () => {
  const verdict = check("10.244.1.0/24 fd00:10:0:1::/64", {
    cluster: "10.244.0.0/16 fd00:10::/48",
    services: "10.96.0.0/12 fd00:11::/112",
    routes: [
      route("0.0.0.0/0", "eth0", true),
      route("::/0", "eth0", true),
      route("192.168.1.0/24", "eth0"),
      route("10.244.2.0/24", "tailscale0"),
    ],
  });
  assertEquals(verdict, { refused: [], warnings: [] });
});

Deno.test("checkPodCidr: services, tailnet, special addresses, size and cluster are refused", () => {
  const rows: readonly (readonly [cidr: string, reason: string])[] = [
    ["10.96.1.0/24", "10.96.0.0/12 holds addresses of services; use another network for pods"],
    ["fd11::/96", "fd11::/112 holds addresses of services; use another network for pods"],
    ["100.80.0.0/24", "100.64.0.0/10 holds addresses of the tailnet; use another network for pods"],
    [
      "fd7a:115c:a1e0:1::/64",
      "fd7a:115c:a1e0::/48 holds addresses of the tailnet; use another network for pods",
    ],
    ["127.1.0.0/16", "127.0.0.0/8 holds loopback addresses; use another network for pods"],
    ["169.254.1.0/24", "169.254.0.0/16 holds link-local addresses; use another network for pods"],
    ["fe80::/64", "fe80::/10 holds link-local addresses; use another network for pods"],
    ["10.0.0.0/31", "no room for pods; /30 or shorter wanted"],
    ["fd00::/127", "no room for pods; /126 or shorter wanted"],
  ];
  for (const [cidr, reason] of rows) {
    const { refused } = check(cidr, { services: "10.96.0.0/12 fd11::/112" });
    assertEquals(refused, [`"${cidr}": ${reason}`]);
  }
  assertEquals(check("10.1.0.0/24", { cluster: "10.244.0.0/16 fd00::/48" }).refused, [
    '"10.1.0.0/24": outside of the cluster\'s "10.244.0.0/16", "fd00::/48"; ' +
    "see that network.podCIDR.base is the cluster's",
  ]);
});

Deno.test("checkPodCidr: a network that the node is on is refused, other routes are warned of", () => {
  const meets = (...routes: HostRoute[]) => check("10.244.1.0/24", { routes });
  assertEquals(meets(route("10.0.0.0/8", "eth0")), {
    refused: [
      '"10.244.1.0/24": inside of 10.0.0.0/8 on eth0, to which this node is connected; ' +
      "use another network for pods",
    ],
    warnings: [],
  });
  assertEquals(meets(route("10.0.0.0/8", "eth0", true)), {
    refused: [],
    warnings: [
      '"10.244.1.0/24": inside of 10.0.0.0/8 by a router on eth0: ' +
      "what is there cannot be reached by this node",
    ],
  });
  for (
    const [destination, link] of [["10.244.1.0/24", "cni0"], ["10.244.1.9/32", "veth1"]] as const
  ) {
    assertEquals(meets(route(destination, link)), {
      refused: [],
      warnings: [
        `"10.244.1.0/24": traffic to ${destination} on ${link} does not reach pods; ` +
        "see whether another CNI left this route, or another node has the same CIDR",
      ],
    });
  }
});

Deno.test("checkPodCidr: what is wrong with the whole cluster is warned of", () => {
  assertEquals(
    check("10.244.1.0/24", { cluster: "10.0.0.0/8 fd00::/48", services: "10.96.0.0/12" }),
    {
      refused: [],
      warnings: [
        'the cluster\'s "10.0.0.0/8": 10.96.0.0/12 holds addresses of services; ' +
        "some node may get them for its pods",
        "the cluster has IPv6, this node has no IPv6 CIDR",
      ],
    },
  );
});

Deno.test("outsideOf: by family, and nothing where no network of the family is known", () => {
  const outside = (networks: string, cidrs: string) =>
    outsideOf(prefixes(networks), prefixes(cidrs));
  assertEquals(outside("10.0.0.0/8", "10.1.0.0/16 fd00::/64"), []);
  assertEquals(outside("10.0.0.0/8 fd00::/48", "11.0.0.0/16 fd01::/64 10.0.0.0/7"), [
    ...prefixes("11.0.0.0/16 fd01::/64 10.0.0.0/7"),
  ]);
});

Deno.test("checkPodCidr: a network that comes after the pods takes nothing from them", () => {
  const routes = [route("10.0.0.0/8", "wg9")];
  const fresh = check("10.77.0.0/24", { routes });
  assertEquals([fresh.refused.length, fresh.warnings], [1, []]);
  assertEquals(check("10.77.0.0/24", { routes, inUse: "10.77.0.0/24" }), {
    refused: [],
    warnings: fresh.refused,
  });
  assertEquals(check("10.77.0.0/24", { routes, inUse: "10.78.0.0/24" }), fresh);
});
