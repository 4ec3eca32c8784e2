/** Which routes of this node Headscale is to be asked to approve: its own ones for pods, no others. */
import { type Prefix, showPrefixes } from "../net/prefix.ts";
import type { HeadscaleNode } from "./headscale_node.ts";
import { hasRoute, mergeRoutes, ownRoutes } from "./own_routes.ts";

/** What is to be approved. */
export interface ApprovalPlan {
  /** The whole list, which replaces the one that Headscale has; undefined when that may stay. */
  readonly routes: readonly Prefix[] | undefined;
  /** Why, also where nothing is to be done yet. */
  readonly reasons: readonly string[];
}

/**
 * The list of routes to approve. What an administrator approved stays, exit routes too; what the node
 * does not advertise yet waits, for an approval ahead could fall to another use of the CIDR.
 * @param node this node, as Headscale has it.
 * @param ours routes that we advertised before.
 */
export function planApproval(
  node: HeadscaleNode,
  podCidrs: readonly Prefix[],
  ours: readonly Prefix[],
): ApprovalPlan {
  const { routes: own, refused } = ownRoutes(podCidrs);
  const isKnown = (route: Prefix) =>
    hasRoute(node.availableRoutes, route) || hasRoute(node.approvedRoutes, route);
  const waiting = own.filter((route) => !isKnown(route));
  const merge = mergeRoutes(node.approvedRoutes, own.filter(isKnown), ours);
  const { routes, added, removed } = merge;
  return {
    routes: added.length > 0 || removed.length > 0 ? routes : undefined,
    reasons: [
      ...refused,
      ...added.length > 0 ? [`approve ${showPrefixes(added)}: pods of this node`] : [],
      ...removed.length > 0 ? [`disapprove ${showPrefixes(removed)}: no pods of this node`] : [],
      ...waiting.length > 0 ? [`${showPrefixes(waiting)}: Headscale has not heard of it yet`] : [],
    ],
  };
}
