import type { MeshFacts } from "../../lib/mesh/mesh_facts.ts";
import { headscaleNode, prefixes, tailnetPrefs, tailnetStatus } from "./tailnet.ts";

/** When the facts were seen. */
export const SEEN_MS = Date.parse("2026-06-01T00:00:00Z");

/** A node of a cluster of two where all is well, and is known. */
export function meshFacts(change: Partial<MeshFacts> = {}): MeshFacts {
  return {
    podCidrs: prefixes("10.244.1.0/24"),
    clusterCidrs: prefixes("10.244.0.0/16"),
    status: tailnetStatus(),
    prefs: tailnetPrefs(),
    forwardingWarning: "",
    podMtuBytes: 1280,
    device: { name: "tailscale0", mtuBytes: 1280 },
    headscale: { node: headscaleNode() },
    hasNeighbours: true,
    acceptedRoutes: prefixes("100.64.0.2/32 10.244.2.0/24"),
    masqueradeExempts: true,
    probes: prefixes("10.244.2.0/24").map((prefix) => ({
      ...{ peer: "n2", prefix, verdict: "pass" as const, text: "answered in 3 ms" },
    })),
    nowMs: SEEN_MS,
    ...change,
  };
}
