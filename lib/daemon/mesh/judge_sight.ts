/** What is made of a look at the tailnet, by the daemon and by hand. */
import { type Condition, judgeMesh } from "../../mesh/conditions.ts";
import { findConflicts } from "../../mesh/conflicts.ts";
import type { HeadscaleNode } from "../../mesh/headscale_node.ts";
import type { Probe } from "../../mesh/mesh_facts.ts";
import { podRoutes } from "../../mesh/peer_routes.ts";
import { meshReasons } from "../../mesh/readiness.ts";
import type { TailnetNode } from "../../mesh/tailnet.ts";
import type { Prefix } from "../../net/prefix.ts";
import type { Settings } from "../settings/settings.ts";
import type { MeshSight } from "./look.ts";

/** What is known beside the tailnet itself. */
export interface MeshBackground {
  /** Networks of the pods of this node. */
  readonly podCidrs: readonly Prefix[];
  /** Networks of the pods of all nodes. */
  readonly clusterCidrs: readonly Prefix[];
  readonly podMtuBytes: number | undefined;
  /** What Headscale says of this node; undefined when it is not to be asked. */
  readonly headscale: {
    readonly node: HeadscaleNode | undefined;
    readonly trouble: string | undefined;
  } | undefined;
  readonly probes: readonly Probe[];
}

/** What it comes to. */
export interface MeshVerdict {
  readonly conditions: readonly Condition[];
  /** What other nodes do that can take our traffic, one text each. */
  readonly conflicts: readonly string[];
  /** Why pods on other nodes may not be reached. */
  readonly reasons: readonly string[];
}

/** Judges it, at this moment. */
export function judgeSight(
  { network, tailscale }: Pick<Settings, "network" | "tailscale">,
  sight: MeshSight,
  background: MeshBackground,
): MeshVerdict {
  const { podCidrs, clusterCidrs } = background;
  const { status } = sight;
  const conditions = judgeMesh({
    ...sight,
    ...background,
    hasNeighbours: (status?.peers ?? []).some((peer) => isNeighbour(peer, sight, clusterCidrs)),
    nowMs: Date.now(),
    hasKey: tailscale.authKey !== undefined,
    // Where nobody names the cluster's network, what the tailnet leads to is exempt.
    masqueradeExempts: !network.ipMasq || clusterCidrs.length > 0 || sight.device !== undefined,
  });
  const conflicts = status ? findConflicts({ podCidrs, clusterCidrs, status }) : [];
  return {
    conditions,
    conflicts: conflicts.map(({ text }) => text),
    reasons: meshReasons(conditions),
  };
}

/** A node that serves pods, or one with a tag of ours, which may serve pods that we do not see. */
function isNeighbour(
  peer: TailnetNode,
  { status }: MeshSight,
  clusterCidrs: readonly Prefix[],
): boolean {
  return podRoutes(peer, clusterCidrs).length > 0 ||
    peer.tags.some((tag) => status?.self?.tags.includes(tag));
}
