import type { Host } from "../../lib/host/host.ts";
import type { Link } from "../../lib/net/link.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { RTN_UNICAST } from "../../lib/netlink/route.ts";
import { listedHost } from "./listed_host.ts";
import { prefixes } from "./tailnet.ts";

const FLAGS = { up: true, promiscuous: false, carrier: true };
/** That of tailscaled. */
const TAILNET: Link = { index: 7, name: "tailscale0", mtuBytes: 1280, ...FLAGS };
const BRIDGE: Link = { index: 8, name: "headcni0", mtuBytes: 1280, ...FLAGS };

/**
 * A kernel with the bridge of pods, and a link with the address 100.64.0.1.
 * @param accepted what it sends by that link, with spaces between.
 */
export function tailnetHost(accepted = "100.64.0.2/32 10.244.2.0/24"): Host {
  return {
    ...listedHost([BRIDGE, TAILNET]),
    listAddresses: () => [{
      ...{ linkIndex: TAILNET.index, address: parsePrefix("100.64.0.1/32") },
      ...{ scope: 0, tentative: false },
    }],
    listRoutes: () =>
      prefixes(accepted).map((destination) => ({
        ...{ destination, linkIndex: TAILNET.index, table: 52 },
        ...{ routeType: RTN_UNICAST, protocol: 3, scope: 0, onlink: false },
      })),
  };
}
