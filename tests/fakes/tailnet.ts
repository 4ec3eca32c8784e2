/** A tailnet with two nodes where all is well, for tests that make one thing of it different. */
import type { HeadscaleNode } from "../../lib/mesh/headscale_node.ts";
import type {
  TailnetNode,
  TailnetPeer,
  TailnetPrefs,
  TailnetStatus,
} from "../../lib/mesh/tailnet.ts";
import { parseAddress } from "../../lib/net/address.ts";
import { parsePrefix, type Prefix } from "../../lib/net/prefix.ts";

/** Prefixes with spaces between. */
export function prefixes(texts: string): Prefix[] {
  return texts.split(" ").filter((text) => text !== "").map(parsePrefix);
}

/** This node: `one`, 100.64.0.1, which serves 10.244.1.0/24. */
export function selfNode(change: Partial<TailnetNode> = {}): TailnetNode {
  return {
    nodeKey: "nodekey:01",
    ...{ hostName: "one", dnsName: "one.mesh.test", addresses: [parseAddress("100.64.0.1")] },
    allowedIps: prefixes("100.64.0.1/32 10.244.1.0/24"),
    primaryRoutes: prefixes("10.244.1.0/24"),
    ...{ tags: ["tag:headcni"], isOnline: true, keyExpiry: undefined, isExpired: false },
    ...change,
  };
}

/**
 * Another node, which serves routes.
 * @param number 2 to 255: the last part of its address.
 */
export function peerNode(
  number: number,
  routes: string,
  change: Partial<TailnetPeer> = {},
): TailnetPeer {
  const address = `100.64.0.${number}`;
  return {
    ...selfNode(),
    nodeKey: `nodekey:0${number}`,
    ...{ hostName: `n${number}`, dnsName: `n${number}.mesh.test` },
    addresses: [parseAddress(address)],
    allowedIps: prefixes(`${address}/32 ${routes}`),
    primaryRoutes: prefixes(routes),
    ...{ directAddress: "", relay: "", lastHandshake: undefined },
    ...change,
  };
}

/** What tailscaled of this node tells. */
export function tailnetStatus(change: Partial<TailnetStatus> = {}): TailnetStatus {
  return {
    ...{ backendState: "Running", version: "1.98.10", hasTun: true, hasNodeKey: true },
    self: selfNode(),
    peers: [peerNode(2, "10.244.2.0/24")],
    ...{ health: [], authUrl: "" },
    ...change,
  };
}

/** What it is set to. */
export function tailnetPrefs(change: Partial<TailnetPrefs> = {}): TailnetPrefs {
  return {
    controlUrl: "https://hs.mesh.test",
    ...{ routeAll: true, noSnat: true, noStatefulFiltering: true, netfilterMode: 2 },
    ...{ advertiseRoutes: prefixes("10.244.1.0/24") },
    ...{ corpDns: false, wantRunning: true, loggedOut: false, hostname: "" },
    ...{ shieldsUp: false, exitNode: "" },
    ...change,
  };
}

/** This node, as Headscale has it. */
export function headscaleNode(change: Partial<HeadscaleNode> = {}): HeadscaleNode {
  const routes = prefixes("10.244.1.0/24");
  return {
    ...{ id: "7", nodeKey: "nodekey:01", name: "one", user: "", expiry: undefined },
    ...{ addresses: [parseAddress("100.64.0.1")], isOnline: true, tags: ["tag:headcni"] },
    ...{ availableRoutes: routes, approvedRoutes: routes, subnetRoutes: routes },
    ...change,
  };
}
