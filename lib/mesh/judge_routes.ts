/** Do the nodes know the way to each other's pods: conditions 1 to 3. */
import {
  distinctPrefixes,
  formatPrefix,
  hostPrefix,
  type Prefix,
  showPrefixes,
} from "../net/prefix.ts";
import { approveCommand, listRoutesCommand } from "./approve_command.ts";
import { fail, type Finding, pass, unknown, worstOf } from "./finding.ts";
import type { HeadscaleNode } from "./headscale_node.ts";
import { NO_STATUS } from "./judge_login.ts";
import { hasExpiredKey } from "./key_expiry.ts";
import type { MeshFacts } from "./mesh_facts.ts";
import { hasRoute, ownRoutes } from "./own_routes.ts";
import { podRoutes } from "./peer_routes.ts";
import type { TailnetNode } from "./tailnet.ts";
import { tailscaleCommand } from "./tailscale_command.ts";

/** Condition 1: this node takes the routes of others. */
export function judgeAccepting({ prefs, socket }: MeshFacts): Finding {
  if (!prefs) return NO_PREFS;
  if (prefs.routeAll) return pass("routes of other nodes are accepted");
  return fail(
    "routes of other nodes are not accepted",
    tailscaleCommand(socket, "set --accept-routes"),
  );
}

/** Condition 2: what pods here have is advertised, approved, and served by this node. */
export function judgeServing(facts: MeshFacts): Finding {
  const { status, headscale } = facts;
  const self = status?.self;
  if (!status) return NO_STATUS;
  if (status.backendState !== "Running" || !self) return NOT_IN_TAILNET;
  const { routes, refused } = ownRoutes(facts.podCidrs);
  if (refused.length > 0) return fail(refused.join("; "), "");
  if (routes.length === 0) return unknown("no PodCIDR of this node is known", "see headcni status");
  if (headscale && !headscale.node && headscale.trouble === undefined) {
    return fail(
      "Headscale knows no node with the key of this one",
      "see that headscale.url is the server that tailscaled is logged in to",
    );
  }
  return worstOf(routes.map((route) => judgeRoute(route, routes, facts, self)));
}

/** Condition 3: the kernel has the routes to pods elsewhere. */
export function judgeAccepted(facts: MeshFacts): Finding {
  const { status, clusterCidrs, acceptedRoutes, hasNeighbours, nowMs, kernelTrouble } = facts;
  if (!status) return NO_STATUS;
  if (kernelTrouble !== undefined) return unknown("the kernel cannot be asked for its routes");
  if (status.backendState !== "Running") return NOT_IN_TAILNET;
  if (clusterCidrs.length === 0) {
    return unknown("no CIDR of the cluster is known", "set network.podCIDR.base");
  }
  // tailscaled leads nobody to a node whose key has expired: wgengine/wgcfg/nmcfg.
  const peers = status.peers.filter((peer) => !hasExpiredKey(peer, nowMs));
  const routes = distinctPrefixes(peers.flatMap((peer) => podRoutes(peer, clusterCidrs)));
  if (routes.length === 0) {
    return hasNeighbours
      ? unknown("no other node serves pods that this one may see", `${POLICY}, and see the others`)
      : unknown("no other node serves pods");
  }
  const missing = routes.filter((route) => !hasRoute(acceptedRoutes, route));
  if (missing.length === 0) return pass(`routes to pods of other nodes: ${routes.length}`);
  return fail(
    `the kernel's table 52 lacks ${showPrefixes(missing)}`,
    "see condition 1, and that nobody else empties the table (networkd: ManageForeignRoutes=no)",
  );
}

/** What cannot be told without the preferences. */
export const NO_PREFS = unknown("what tailscaled is set to is not known");

/** Who has to change the policy of the tailnet. */
export const POLICY = "let the policy of the tailnet allow it (headcni mesh policy)";

const NOT_IN_TAILNET = unknown("the node is not in the tailnet");

function judgeRoute(
  route: Prefix,
  own: readonly Prefix[],
  { prefs, headscale }: MeshFacts,
  self: TailnetNode,
): Finding {
  const shown = `"${formatPrefix(route)}"`;
  if (prefs && !hasRoute(prefs.advertiseRoutes, route)) {
    return fail(`${shown} is not advertised`, "see the log of headcni daemon: it advertises it");
  }
  const serves = hasRoute([...self.primaryRoutes, ...self.allowedIps], route);
  const node = headscale?.node;
  if (node) return judgeByHeadscale(route, own, node, serves);
  const note = headscale?.trouble === undefined
    ? ""
    : ` (Headscale cannot be asked: ${headscale.trouble})`;
  if (serves) return pass(`${shown} is served${note}`);
  return fail(
    `${shown} is advertised, but not served: it is not approved, or another node has it${note}`,
    adviseApproval(approveCommand(undefined, route, [...routesOf(self), ...own])),
  );
}

function judgeByHeadscale(
  route: Prefix,
  own: readonly Prefix[],
  node: HeadscaleNode,
  serves: boolean,
): Finding {
  const shown = `"${formatPrefix(route)}"`;
  if (!hasRoute(node.availableRoutes, route)) {
    return fail(
      `Headscale has not heard that ${shown} is advertised`,
      "wait; if it stays so, see whether the node reaches its control server",
    );
  }
  if (!hasRoute(node.approvedRoutes, route)) {
    return fail(
      `${shown} is advertised, but not approved`,
      adviseApproval(approveCommand(node, route, [...node.approvedRoutes, ...own])),
    );
  }
  if (!hasRoute(node.subnetRoutes, route)) {
    return fail(
      `${shown} is approved, but another node serves it`,
      `see ${listRoutesCommand(node)}: delete an older registration of this node, ` +
        "or give one of both another PodCIDR",
    );
  }
  if (serves) return pass(`${shown} is served, by tailscaled and by Headscale`);
  return fail(
    `Headscale lets the node serve ${shown}, of which tailscaled does not know`,
    "wait; if it stays so, restart tailscaled",
  );
}

/** All routes, those of an exit node too. */
function routesOf(self: TailnetNode): Prefix[] {
  const addresses = self.addresses.map(hostPrefix);
  return [...self.primaryRoutes, ...self.allowedIps].filter((each) => !hasRoute(addresses, each));
}

/** Both ways. */
function adviseApproval(command: string): string {
  return `let the policy approve it (autoApprovers: headcni mesh policy), or on the server: ${command}`;
}
