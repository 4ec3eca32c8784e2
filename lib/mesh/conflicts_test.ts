import { assertEquals } from "@std/assert";
import { parseAddress } from "../net/address.ts";
import { formatPrefix } from "../net/prefix.ts";
import { peerNode, prefixes, selfNode, tailnetStatus } from "../../tests/fakes/tailnet.ts";
import { findConflicts } from "./conflicts.ts";
import type { TailnetPeer, TailnetStatus } from "./tailnet.ts";

function find(
  peers: readonly TailnetPeer[],
  { own = "10.244.1.0/24", cluster = "10.244.0.0/16", status = {} }: {
    own?: string;
    cluster?: string;
    status?: Partial<TailnetStatus>;
  } = {},
): string[][] {
  const conflicts = findConflicts({
    podCidrs: prefixes(own),
    clusterCidrs: prefixes(cluster),
    status: tailnetStatus({ peers, ...status }),
  });
  return conflicts.map(({ kind, prefix, text }) => [kind, formatPrefix(prefix), text]);
}

Deno.test("findConflicts: none between nodes that serve different networks", () => {
  const peers = [
    peerNode(2, "10.244.2.0/24 192.168.7.0/24"),
    peerNode(3, "10.244.3.0/24 192.168.7.0/24"),
  ];
  assertEquals(find(peers), []);
  assertEquals(find(peers, { own: "10.244.1.0/24 fd00:1::/64", cluster: "10.244.0.0/16" }), []);
  assertEquals(find([], { own: "", cluster: "" }), []);
});

Deno.test("findConflicts: our prefix, or a part of it, of another node", () => {
  const old = "if that is an older registration of this node, delete it: " +
    "headscale nodes delete -i <its id>";
  const rogue = "withdraw it there, or give one of both another PodCIDR";
  const rows = [
    [
      peerNode(9, "10.244.1.0/24"),
      `"n9.mesh.test" (100.64.0.9) serves it too; ${rogue}`,
    ],
    [
      peerNode(9, "10.244.1.128/25"),
      `"n9.mesh.test" (100.64.0.9) serves 10.244.1.128/25 of it too; ${rogue}`,
    ],
    [
      peerNode(9, "10.244.1.0/24", { isOnline: false }),
      `"n9.mesh.test" (100.64.0.9, offline) serves it too; ${old}`,
    ],
    [
      peerNode(9, "10.244.1.0/24", { hostName: "one" }),
      `"n9.mesh.test" (100.64.0.9) serves it too; ${old}`,
    ],
  ] as const;
  for (const [peer, text] of rows) {
    assertEquals(find([peer], { cluster: "" }), [
      ["duplicate", "10.244.1.0/24", `"10.244.1.0/24": ${text}`],
    ]);
  }
  // With host bits, and before this node knows itself.
  const [[kind] = []] = find([peerNode(9, "10.244.1.0/24")], {
    ...{ own: "10.244.1.7/24", status: { self: undefined } },
  });
  assertEquals(kind, "duplicate");
});

Deno.test("findConflicts: a wider network of another node, but no exit node", () => {
  assertEquals(find([peerNode(9, "10.0.0.0/8 0.0.0.0/0 ::/0")]), [[
    "covered",
    "10.244.1.0/24",
    '"10.244.1.0/24": inside of 10.0.0.0/8 of "n9.mesh.test" (100.64.0.9); ' +
    "only our rule keeps traffic to pods of this node here",
  ]]);
});

Deno.test("findConflicts: two nodes with the same addresses of the cluster, each pair once", () => {
  const text = (one: number, route: string, other: number) =>
    `of "n${one}.mesh.test" (100.64.0.${one}), ` +
    `and ${route} of "n${other}.mesh.test" (100.64.0.${other}); ` +
    "give one of both another PodCIDR, or delete the older registration";
  const peers = [
    peerNode(2, "10.244.2.0/24 10.244.2.0/25"),
    peerNode(3, "10.244.2.0/25"),
    peerNode(4, "10.244.4.0/24"),
  ];
  assertEquals(find(peers), [
    ["peers", "10.244.2.0/24", `"10.244.2.0/24": ${text(2, "10.244.2.0/25", 3)}`],
    ["peers", "10.244.2.0/25", `"10.244.2.0/25": ${text(2, "10.244.2.0/25", 3)}`],
  ]);
});

Deno.test("findConflicts: networks in networks, whatever the order of the nodes is", () => {
  const peers = [
    peerNode(5, "10.244.3.128/25 10.244.200.0/24"),
    peerNode(3, "10.244.2.0/24"),
    peerNode(4, "10.244.3.0/24"),
    peerNode(2, "10.244.0.0/17"),
  ];
  const pairs = find(peers, { own: "" }).map((
    [, prefix, text],
  ) => [prefix, /, and ([^ ]+) of/.exec(text ?? "")?.[1]]);
  assertEquals(pairs, [
    ["10.244.0.0/17", "10.244.2.0/24"],
    ["10.244.0.0/17", "10.244.3.0/24"],
    ["10.244.0.0/17", "10.244.3.128/25"],
    ["10.244.3.0/24", "10.244.3.128/25"],
  ]);
});

Deno.test("findConflicts: addresses of the tailnet inside of the cluster", () => {
  const fix = "use another network for pods";
  assertEquals(find([], { own: "", cluster: "100.96.0.0/12 fd7a:115c:a1e0::/64" }), [
    [
      "tailnet_range",
      "100.96.0.0/12",
      `"100.96.0.0/12": 100.64.0.0/10 holds addresses of nodes; ${fix}`,
    ],
    [
      "tailnet_range",
      "fd7a:115c:a1e0::/64",
      `"fd7a:115c:a1e0::/64": fd7a:115c:a1e0::/48 holds addresses of nodes; ${fix}`,
    ],
  ]);
  // A Headscale with other addresses than tailscale's.
  const addresses = [parseAddress("10.244.255.1")];
  for (
    const [self, peers, name] of [
      [selfNode({ addresses }), [], "one"],
      [undefined, [peerNode(5, "", { addresses })], "n5"],
    ] as const
  ) {
    const found = find(peers, { own: "", status: { self } });
    assertEquals(found.filter(([kind]) => kind === "tailnet_range"), [[
      "tailnet_range",
      "10.244.0.0/16",
      `"10.244.0.0/16": "${name}.mesh.test" (10.244.255.1) has an address of it; ${fix}`,
    ]]);
  }
});
