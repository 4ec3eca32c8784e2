/** `headcni mesh routes`: the networks of pods in the tailnet, and how far each has come. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import type { MeshExamination } from "../../../lib/daemon/mesh/examine.ts";
import {
  containsAddress,
  distinctPrefixes,
  formatPrefix,
  overlaps,
  type Prefix,
} from "../../../lib/net/prefix.ts";
import { print } from "../print.ts";
import type { Screen } from "../screen.ts";
import { formatTable } from "../table.ts";
import { requireStatus } from "./require_status.ts";
import { addVerb, examine, type MeshOptions } from "./verb.ts";
import { hasRoute } from "../../../lib/mesh/own_routes.ts";

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
  const served = [...self?.allowedIps ?? [], ...self?.primaryRoutes ?? []];
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

function otherRoutes({ sight, clusterCidrs }: MeshExamination): RouteView[] {
  return requireStatus(sight).peers.flatMap(({ hostName, allowedIps, addresses }) =>
    allowedIps.filter((route) => !addresses.some((own) => isHost(route, own)))
      .sort((a, b) => Number(isOfCluster(b, clusterCidrs)) - Number(isOfCluster(a, clusterCidrs)))
      .map((route) => ({
        route: formatPrefix(route),
        node: hostName,
        own: false,
        advertised: null,
        approved: null,
        served: true,
        kernel: hasRoute(sight.acceptedRoutes, route),
      }))
  );
}

function isHost(route: Prefix, address: Prefix["address"]): boolean {
  return containsAddress(route, address) && route.length >= 32;
}

function isOfCluster(route: Prefix, clusterCidrs: readonly Prefix[]): boolean {
  return clusterCidrs.some((cidr) => overlaps(cidr, route));
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
