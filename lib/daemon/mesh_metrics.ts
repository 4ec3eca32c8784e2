/** The metrics of the tailnet. */
import { hasRoute } from "../mesh/own_routes.ts";
import { allRoutes } from "../mesh/peer_routes.ts";
import { formatPrefix } from "../net/prefix.ts";
import { counter, gauge, type MetricFamily, type Sample } from "./exposition.ts";
import type { MeshReport } from "./mesh/mesh_report.ts";

/** Families of a node in a tailnet; those without a sample are left out when they are printed. */
export function meshFamilies(mesh: MeshReport | undefined): MetricFamily[] {
  const { conditions = [], conflicts, sight, reasons, logins } = mesh ?? {};
  const { self } = sight?.status ?? {};
  const known = conditions.filter(({ verdict }) => verdict !== "unknown");
  return [
    gauge(
      "headcni_mesh_ready",
      "Whether nothing is known that keeps pods of other nodes from ours",
      reasons ? one(Number(reasons.length === 0)) : [],
    ),
    gauge(
      "headcni_mesh_condition",
      "Conditions of traffic between pods of different nodes: 1 holds, 0 does not; unknown ones are left out",
      known.map(({ number, id, verdict }) => ({
        labels: { number: String(number), condition: id },
        value: Number(verdict === "pass"),
      })),
    ),
    gauge(
      "headcni_mesh_route_served",
      "Routes that tailscaled advertises, those of the user too: 1 when the tailnet sends them here",
      (sight?.prefs?.advertiseRoutes ?? []).map((route) => ({
        labels: { route: formatPrefix(route) },
        value: Number(self !== undefined && hasRoute(allRoutes(self), route)),
      })),
    ),
    gauge(
      "headcni_mesh_conflicts",
      "What other nodes do that can take the traffic of our pods",
      conflicts ? one(conflicts.length) : [],
    ),
    gauge(
      "headcni_mesh_node_key_expiry_timestamp_seconds",
      "When the node has to log in again",
      self?.keyExpiry === undefined ? [] : one(Date.parse(self.keyExpiry) / 1000),
    ),
    counter(
      "headcni_mesh_logins_total",
      "How often the daemon logged the node in, or tried to",
      logins === undefined ? [] : one(logins),
    ),
  ];
}

function one(value: number): Sample[] {
  return [{ labels: {}, value }];
}
