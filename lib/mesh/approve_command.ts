/** Commands of Headscale's about routes, which differ by its release. */
import { distinctPrefixes, equalPrefixes, formatPrefix, type Prefix } from "../net/prefix.ts";
import type { HeadscaleNode } from "./headscale_node.ts";

/**
 * What approves a route. From 0.26 on the list of the command replaces the one that there is: it is whole.
 * @param node undefined where Headscale is not asked: then its release is not known.
 * @param routes all that the node is to serve, the route among them.
 */
export function approveCommand(
  node: Pick<HeadscaleNode, "id" | "rows"> | undefined,
  route: Prefix,
  routes: readonly Prefix[],
): string {
  if (node?.rows) {
    const row = node.rows.find(({ prefix }) => equalPrefixes(prefix, route));
    return `headscale routes enable -r ${row?.id ?? ROUTE_ID}`;
  }
  const list = distinctPrefixes(routes).map(formatPrefix).join(",");
  if (node) return `headscale nodes approve-routes -i ${node.id} -r ${list}`;
  return `headscale nodes approve-routes -i <id of this node> -r ${list} ` +
    `(up to 0.25: headscale routes enable -r ${ROUTE_ID})`;
}

/** What shows which nodes have a route. */
export function listRoutesCommand({ rows }: Pick<HeadscaleNode, "rows">): string {
  return rows ? "headscale routes list" : "headscale nodes list-routes";
}

const ROUTE_ID = "<id of the route>";
