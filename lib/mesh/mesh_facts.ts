/** What was seen of the mesh: the facts that its conditions are judged by. */
import type { Prefix } from "../net/prefix.ts";
import type { Verdict } from "./finding.ts";
import type { HeadscaleNode } from "./headscale_node.ts";
import type { TailnetPrefs, TailnetStatus } from "./tailnet.ts";

/** What is undefined was not asked, or nobody answered. */
export interface MeshFacts {
  readonly podCidrs: readonly Prefix[];
  readonly clusterCidrs: readonly Prefix[];
  readonly status?: TailnetStatus | undefined;
  /** Why there is no status. */
  readonly trouble?: string | undefined;
  /** Where that tailscaled listens: for what a person is told to type. */
  readonly socket?: string | undefined;
  readonly prefs?: TailnetPrefs | undefined;
  /** Of `check-ip-forwarding`; empty when the node forwards. */
  readonly forwardingWarning?: string | undefined;
  readonly podMtuBytes?: number | undefined;
  /** Why the kernel could not be asked for what follows of it. */
  readonly kernelTrouble?: string | undefined;
  /** The interface of tailscaled. */
  readonly device?: { readonly name: string; readonly mtuBytes: number } | undefined;
  /** The daemon has a pre-auth key, by which it logs the node in. */
  readonly hasKey?: boolean | undefined;
  /** Undefined without an API key. */
  readonly headscale?: HeadscaleFacts | undefined;
  /** Other nodes of the cluster are known. */
  readonly hasNeighbours: boolean;
  /** Destinations of the kernel's table 52: wgengine/router of tailscale. */
  readonly acceptedRoutes: readonly Prefix[];
  /**
   * What goes to pods elsewhere keeps its address, as far as our own masquerade goes. False where that
   * cannot be told.
   */
  readonly masqueradeExempts: boolean;
  readonly probes?: readonly Probe[] | undefined;
  /** Milliseconds since 1970. */
  readonly nowMs: number;
}

/** What Headscale tells of this node. */
export interface HeadscaleFacts {
  /** Undefined when it knows none with our node key, or did not answer. */
  readonly node?: HeadscaleNode | undefined;
  /** Why it could not be asked. */
  readonly trouble?: string | undefined;
}

/** Something sent from an address of a pod here to one of another node. */
export interface Probe {
  /** Name of the other node. */
  readonly peer: string;
  /** Its PodCIDR. */
  readonly prefix: Prefix;
  /** Unknown when it tells nothing of the way that pods' packets take. */
  readonly verdict: Verdict;
  /** What came of it, such as `10.244.2.1 answers 10.244.1.1`. */
  readonly text: string;
}
