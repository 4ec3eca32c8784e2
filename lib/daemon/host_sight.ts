/** What is seen of the node in one look, for all that a turn decides by it. */
import type { Host } from "../host/host.ts";
import type { Link } from "../net/link.ts";
import type { KernelRoute } from "../net/route.ts";
import { listAliases } from "../pod/identity.ts";

/** The node's own links and routes. */
export interface HostSight {
  readonly links: readonly Link[];
  /** What the links of pods say whose they are. */
  readonly aliases: ReturnType<typeof listAliases>;
  readonly routes: readonly KernelRoute[];
}

/**
 * Looks at links and routes: with many pods that is a third of a turn.
 * @throws KernelError.
 */
export function lookAtHost(host: Host): HostSight {
  const links = host.listLinks("host");
  return { links, aliases: listAliases(links), routes: host.listRoutes("host") };
}
