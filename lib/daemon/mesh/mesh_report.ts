/** What the daemon knows of the tailnet: what is served, patched and told. */
import type { Condition } from "../../mesh/conditions.ts";
import { allRoutes } from "../../mesh/peer_routes.ts";
import { formatAddress } from "../../net/address.ts";
import { formatPrefix, type Prefix } from "../../net/prefix.ts";
import type { MeshSight } from "./look.ts";

/** The tailnet at the last look. */
export interface MeshReport {
  readonly sight: MeshSight;
  /** Networks that pods of this node had then. */
  readonly podCidrs: readonly Prefix[];
  readonly conditions: readonly Condition[];
  /** What other nodes do that can take our traffic, one text each. */
  readonly conflicts: readonly string[];
  readonly warnings: readonly string[];
  /** Why pods on other nodes may not be reached; none when all is well. */
  readonly reasons: readonly string[];
  /** How Headscale answered; undefined when it is not to be asked. */
  readonly headscale: { readonly trouble: string | undefined } | undefined;
  /** How often the daemon tried to log in. */
  readonly logins: number;
}

/** True when the node is in its tailnet. */
export function isConnected({ sight: { status } }: Pick<MeshReport, "sight">): boolean {
  return status?.backendState === "Running" && status.self?.isExpired !== true;
}

/** The report as JSON for people and programs. */
export function describeMesh(mesh: MeshReport): Readonly<Record<string, unknown>> {
  const { sight, headscale } = mesh;
  return {
    ...describeSight(sight),
    headscale: headscale ? headscale.trouble ?? "ok" : "not asked",
    conditions: mesh.conditions,
    conflicts: mesh.conflicts,
    warnings: mesh.warnings,
    reasons: mesh.reasons,
  };
}

/** A look as JSON. */
export interface SightView {
  readonly connected: boolean;
  readonly state: string | null;
  /** Why tailscaled cannot be asked. */
  readonly trouble: string | null;
  readonly version: string | null;
  readonly controlServer: string | null;
  readonly addresses: readonly string[];
  readonly nodeKey: string | null;
  /** RFC 3339; null for never. */
  readonly keyExpiry: string | null;
  readonly peers: number;
  readonly device: MeshSight["device"] | null;
  readonly advertised: readonly string[];
  readonly served: readonly string[];
}

/** A look as JSON for people and programs. */
export function describeSight(sight: MeshSight): SightView {
  const { status, prefs, device, trouble } = sight;
  return {
    connected: isConnected({ sight }),
    state: status?.backendState ?? null,
    trouble: trouble ?? null,
    version: status?.version ?? null,
    controlServer: prefs?.controlUrl ?? null,
    addresses: status?.self?.addresses.map(formatAddress) ?? [],
    nodeKey: status?.self?.nodeKey ?? null,
    keyExpiry: status?.self?.keyExpiry ?? null,
    peers: status?.peers.length ?? 0,
    device: device ?? null,
    advertised: prefs?.advertiseRoutes.map(formatPrefix) ?? [],
    served: status?.self ? allRoutes(status.self).map(formatPrefix) : [],
  };
}
