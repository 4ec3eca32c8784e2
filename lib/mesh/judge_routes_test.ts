import { assertEquals } from "@std/assert";
import { meshFacts } from "../../tests/fakes/mesh_facts.ts";
import {
  headscaleNode,
  peerNode,
  prefixes,
  selfNode,
  tailnetPrefs,
  tailnetStatus,
} from "../../tests/fakes/tailnet.ts";
import { parsePrefix } from "../net/prefix.ts";
import { fail, type Finding, pass, unknown } from "./finding.ts";
import type { HeadscaleNode } from "./headscale_node.ts";
import { judgeAccepted, judgeAccepting, judgeServing } from "./judge_routes.ts";
import type { MeshFacts } from "./mesh_facts.ts";

const SILENT = unknown("tailscaled does not answer");
const NOT_IN_TAILNET = unknown("the node is not in the tailnet");
const UNSERVED = tailnetStatus({
  self: selfNode({ allowedIps: prefixes("100.64.0.1/32 0.0.0.0/0"), primaryRoutes: [] }),
});

function approval(command: string): string {
  return "let the policy approve it (autoApprovers: headcni mesh policy), " +
    `or on the server: headscale ${command}`;
}

Deno.test("judgeAccepting: condition 1", () => {
  const judge = (change: Partial<MeshFacts>) => judgeAccepting(meshFacts(change));
  assertEquals(judge({}), pass("routes of other nodes are accepted"));
  assertEquals(judge({ prefs: undefined }), unknown("what tailscaled is set to is not known"));
  assertEquals(
    judge({ prefs: tailnetPrefs({ routeAll: false }) }),
    fail("routes of other nodes are not accepted", "tailscale set --accept-routes"),
  );
  assertEquals(
    judge({ prefs: tailnetPrefs({ routeAll: false }), socket: "/run/ts.sock" }).fix,
    "tailscale --socket=/run/ts.sock set --accept-routes",
  );
});

Deno.test("judgeServing: condition 2, before there is a route to judge", () => {
  const rows: readonly (readonly [Partial<MeshFacts>, Finding])[] = [
    [{ status: undefined }, SILENT],
    [{ status: tailnetStatus({ backendState: "Stopped" }) }, NOT_IN_TAILNET],
    [{ status: tailnetStatus({ self: undefined }) }, NOT_IN_TAILNET],
    [{ podCidrs: [] }, unknown("no PodCIDR of this node is known", "see headcni status")],
    [
      { podCidrs: prefixes("::/0") },
      fail(
        'Cannot serve "::/0": it is the route of an exit node, which takes all traffic; ' +
          "see that network.podCIDR names the addresses of pods alone",
        "",
      ),
    ],
    [
      { headscale: {} },
      fail(
        "Headscale knows no node with the key of this one",
        "see that headscale.url is the server that tailscaled is logged in to",
      ),
    ],
  ];
  for (const [change, expected] of rows) assertEquals(judgeServing(meshFacts(change)), expected);
});

Deno.test("judgeServing: by tailscaled alone", () => {
  const judge = (change: Partial<MeshFacts>) =>
    judgeServing(meshFacts({ headscale: undefined, ...change }));
  const lacking = '"10.244.1.0/24" is advertised, but not served: ' +
    "it is not approved, or another node has it";
  const byHand = approval(
    "nodes approve-routes -i <id of this node> -r 0.0.0.0/0,10.244.1.0/24 " +
      "(up to 0.25: headscale routes enable -r <id of the route>)",
  );
  const trouble = { headscale: { trouble: "401" } };
  const rows: readonly (readonly [Finding, Finding])[] = [
    [judge({}), pass('"10.244.1.0/24" is served')],
    [judge({ prefs: undefined }), pass('"10.244.1.0/24" is served')],
    // Each of the two places where tailscaled may say so is enough.
    [
      judge({ status: tailnetStatus({ self: selfNode({ primaryRoutes: [] }) }) }),
      pass('"10.244.1.0/24" is served'),
    ],
    [
      judge({ status: tailnetStatus({ self: selfNode({ allowedIps: [] }) }) }),
      pass('"10.244.1.0/24" is served'),
    ],
    [
      judge({ prefs: tailnetPrefs({ advertiseRoutes: [] }) }),
      fail('"10.244.1.0/24" is not advertised', "see the log of headcni daemon: it advertises it"),
    ],
    [judge({ status: UNSERVED }), fail(lacking, byHand)],
    [
      judge(trouble),
      pass('"10.244.1.0/24" is served (Headscale cannot be asked: 401)'),
    ],
    [
      judge({ ...trouble, status: UNSERVED }),
      fail(`${lacking} (Headscale cannot be asked: 401)`, byHand),
    ],
  ];
  for (const [seen, expected] of rows) assertEquals(seen, expected);
});

Deno.test("judgeServing: by Headscale too, which knows what is missing", () => {
  const judge = (node: Partial<HeadscaleNode>, change: Partial<MeshFacts> = {}) =>
    judgeServing(meshFacts({ headscale: { node: headscaleNode(node) }, ...change }));
  const rows: readonly (readonly [Finding, Finding])[] = [
    [judge({}), pass('"10.244.1.0/24" is served, by tailscaled and by Headscale')],
    [
      judge({ availableRoutes: [] }),
      fail(
        'Headscale has not heard that "10.244.1.0/24" is advertised',
        "wait; if it stays so, see whether the node reaches its control server",
      ),
    ],
    [
      // The list replaces the one that there is.
      judge({ approvedRoutes: prefixes("192.168.7.0/24 ::/0"), subnetRoutes: [] }),
      fail(
        '"10.244.1.0/24" is advertised, but not approved',
        approval("nodes approve-routes -i 7 -r 192.168.7.0/24,::/0,10.244.1.0/24"),
      ),
    ],
    [
      judge({ approvedRoutes: [], rows: [{ id: "3", prefix: parsePrefix("10.244.1.0/24") }] }),
      fail(
        '"10.244.1.0/24" is advertised, but not approved',
        approval("routes enable -r 3"),
      ),
    ],
    [
      judge({ subnetRoutes: [] }),
      fail(
        '"10.244.1.0/24" is approved, but another node serves it',
        "see headscale nodes list-routes: delete an older registration of this node, " +
          "or give one of both another PodCIDR",
      ),
    ],
    [
      judge({}, { status: UNSERVED }),
      fail(
        'Headscale lets the node serve "10.244.1.0/24", of which tailscaled does not know',
        "wait; if it stays so, restart tailscaled",
      ),
    ],
  ];
  for (const [seen, expected] of rows) assertEquals(seen, expected);
});

Deno.test("judgeServing: one of two CIDRs that is missing is named", () => {
  const { verdict, evidence } = judgeServing(meshFacts({
    podCidrs: prefixes("10.244.1.9/24 fd00:10::/64"),
    prefs: tailnetPrefs({ advertiseRoutes: prefixes("10.244.1.0/24 fd00:10::/64") }),
  }));
  assertEquals([verdict, evidence], [
    "fail",
    'Headscale has not heard that "fd00:10::/64" is advertised',
  ]);
});

Deno.test("judgeAccepted: condition 3", () => {
  const peers = [
    peerNode(2, "10.244.2.0/24 192.168.7.0/24"),
    peerNode(3, "10.244.3.0/24", { isOnline: false }),
  ];
  const status = tailnetStatus({ peers });
  const alone = { status: tailnetStatus({ peers: [peerNode(2, "192.168.7.0/24")] }) };
  const rows: readonly (readonly [Partial<MeshFacts>, Finding])[] = [
    [{}, pass("routes to pods of other nodes: 1")],
    [
      { kernelTrouble: "EPERM", acceptedRoutes: [] },
      unknown("the kernel cannot be asked for its routes"),
    ],
    [
      { status, acceptedRoutes: prefixes("10.244.3.0/24 10.244.2.0/24") },
      pass("routes to pods of other nodes: 2"),
    ],
    [
      // A wider route may lead to another node.
      { status, acceptedRoutes: prefixes("10.0.0.0/8 10.244.2.0/24") },
      fail(
        `the kernel's table 52 lacks "10.244.3.0/24"`,
        "see condition 1, and that nobody else empties the table " +
          "(networkd: ManageForeignRoutes=no)",
      ),
    ],
    [
      // Nobody is led to a node whose key has expired.
      {
        status: tailnetStatus({
          peers: [...peers.slice(0, 1), peerNode(3, "10.244.3.0/24", { isExpired: true })],
        }),
      },
      pass("routes to pods of other nodes: 1"),
    ],
    [{ status: undefined }, SILENT],
    [{ status: tailnetStatus({ backendState: "Starting" }) }, NOT_IN_TAILNET],
    [{ clusterCidrs: [] }, unknown("no CIDR of the cluster is known", "set network.podCIDR.base")],
    [{ ...alone, hasNeighbours: false }, unknown("no other node serves pods")],
    [
      alone,
      unknown(
        "no other node serves pods that this one may see",
        "let the policy of the tailnet allow it (headcni mesh policy), and see the others",
      ),
    ],
  ];
  for (const [change, expected] of rows) assertEquals(judgeAccepted(meshFacts(change)), expected);
});
