/** `headcni mesh routes`: the networks of pods in the tailnet, and how far each has come. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import type { MeshExamination } from "../../../lib/daemon/mesh/examine.ts";
import { hasRoute } from "../../../lib/mesh/own_routes.ts";
import { allRoutes, podRoutes } from "../../../lib/mesh/peer_routes.ts";
import { distinctPrefixes, formatPrefix } from "../../../lib/net/prefix.ts";
import { print } from "../print.ts";
import type { Screen } from "../screen.ts";
import { formatTable } from "../table.ts";
import { requireStatus } from "./require_status.ts";
import { addVerb, examine, type MeshOptions } from "./verb.ts";

const HELP = `
Networks of this node's pods with all that this node advertises, and what others serve. APPROVED is known
only with an API key of Headscale; KERNEL says whether this node's kernel sends there by the tailnet.

JSON: [{"route", "node", "own", "advertised", "approved", "served", "kernel"}], null for what is not known

Example:
  headcni mesh routes`;

/** A route of the tailnet; null is not known. */
interface RouteView {
  readonly route: string;
  readonly node: string;
  readonly own: boolean;
  readonly advertised: boolean | null;
  readonly approved: boolean | null;
  readonly served: boolean;
  readonly kernel: boolean | null;
}

/** Adds the verb `routes`. */
export function addRoutes(mesh: Command, env: Environment): void {
  addVerb(mesh, "routes", "list the networks that nodes of the tailnet serve")
    .addHelpText("after", HELP)
    .action(async (options: MeshOptions) => {
      const examined = await examine(options, env);
      const routes = [...ownRoutes(examined), ...otherRoutes(examined)];
      await print(options.output, routes, (screen) => formatRoutes(routes, screen));
    });
}

function ownRoutes({ podCidrs, sight, headscale }: MeshExamination): RouteView[] {
  const { self } = requireStatus(sight);
  const advertised = sight.prefs?.advertiseRoutes ?? [];
  const served = self ? allRoutes(self) : [];
  const approved = headscale?.node?.approvedRoutes;
  return distinctPrefixes([...podCidrs, ...advertised]).map((route) => ({
    route: formatPrefix(route),
    node: self?.hostName ?? "",
    own: true,
    advertised: hasRoute(advertised, route),
    approved: approved ? hasRoute(approved, route) : null,
    served: hasRoute(served, route),
    kernel: null,
  }));
}

/** Those of pods first. */
function otherRoutes({ sight, clusterCidrs }: MeshExamination): RouteView[] {
  return requireStatus(sight).peers.flatMap((peer) => {
    const ofPods = podRoutes(peer, clusterCidrs);
    return distinctPrefixes([...ofPods, ...allRoutes(peer)]).map((route) => ({
      route: formatPrefix(route),
      node: peer.hostName,
      own: false,
      advertised: null,
      approved: null,
      served: true,
      kernel: hasRoute(sight.acceptedRoutes, route),
    }));
  });
}

function formatRoutes(routes: readonly RouteView[], screen: Screen): string {
  if (routes.length === 0) return "No node of the tailnet serves a network.";
  return formatTable(
    ["ROUTE", "NODE", "ADVERTISED", "APPROVED", "SERVED", "KERNEL"],
    routes.map(({ route, node, own, advertised, approved, served, kernel }) => [
      route,
      own ? `${node} (this node)` : node,
      ...[advertised, approved, served, kernel].map(word),
    ]),
    screen,
  );
}

function word(value: boolean | null): string {
  return value === null ? "-" : value ? "yes" : "no";
}
