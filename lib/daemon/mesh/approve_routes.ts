/** What Headscale knows of this node, and the approval of its own prefixes where we have an API key. */
import { errorText } from "../../errors.ts";
import type { HeadscaleClient } from "../../headscale/client.ts";
import { log } from "../../log.ts";
import { planApproval } from "../../mesh/approvals.ts";
import type { HeadscaleNode } from "../../mesh/headscale_node.ts";
import { formatPrefix, type Prefix } from "../../net/prefix.ts";

/** What came of asking Headscale. */
export interface HeadscaleSight {
  /** Undefined when it does not know our node key. */
  readonly node: HeadscaleNode | undefined;
  /** Why it cannot be asked; undefined when it answered. */
  readonly trouble: string | undefined;
  /** True when routes were approved or taken back just now. */
  readonly isChanged: boolean;
}

/** Looks at our own node by its key, and approves its own prefixes: never those of another. */
export async function approveRoutes(
  headscale: Pick<HeadscaleClient, "findNode" | "approveRoutes">,
  nodeKey: string,
  podCidrs: readonly Prefix[],
  ours: readonly Prefix[],
): Promise<HeadscaleSight> {
  try {
    const node = await headscale.findNode({ nodeKey });
    if (!node) return { node, trouble: undefined, isChanged: false };
    const { routes, reasons } = planApproval(node, podCidrs, ours);
    if (!routes) return { node, trouble: undefined, isChanged: false };
    log.info("Approve routes of this node", { routes: routes.map(formatPrefix), reasons });
    await headscale.approveRoutes(node, routes);
    const after = await headscale.findNode({ nodeKey });
    return { node: after, trouble: undefined, isChanged: true };
  } catch (error) {
    return { node: undefined, trouble: errorText(error), isChanged: false };
  }
}
