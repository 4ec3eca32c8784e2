/** Which routes of a list are ours, and how ours are put into it. */
import {
  containsPrefix,
  distinctPrefixes,
  equalPrefixes,
  formatPrefix,
  networkOf,
  type Prefix,
} from "../net/prefix.ts";

/**
 * What is advertised for a moment, so that Headscale tells this node anew what it serves: an address of
 * nobody's (RFC 5737), that nobody approves. Wherever it is found it was we who left it.
 */
export const NUDGE_ROUTE: Prefix = { address: { family: 4, value: 0xcb00_71ffn }, length: 32 };

/** What a node may serve for its pods. */
export interface OwnRoutes {
  /** Without host bits, each once. */
  readonly routes: readonly Prefix[];
  /** Why the others are not served, as texts. */
  readonly refused: readonly string[];
}

/** A list of routes with ours put in. */
export interface RouteMerge {
  /** The whole list: what was there keeps its order, new ones come last. */
  readonly routes: readonly Prefix[];
  readonly added: readonly Prefix[];
  readonly removed: readonly Prefix[];
}

/** The routes that the CIDRs of a node's pods need; never one of an exit node. */
export function ownRoutes(podCidrs: readonly Prefix[]): OwnRoutes {
  return {
    routes: distinctPrefixes(podCidrs.filter((cidr) => !isExitRoute(cidr)).map(networkOf)),
    refused: podCidrs.filter(isExitRoute).map((cidr) =>
      `Cannot serve "${formatPrefix(cidr)}": it is the route of an exit node, ` +
      `which takes all traffic; see that network.podCIDR names the addresses of pods alone`
    ),
  };
}

/**
 * Puts `wanted` into a list, and takes out of it those of `ours` that are not wanted any more. Routes
 * of others stay, and so does any exit route, whatever we remember.
 */
export function mergeRoutes(
  current: readonly Prefix[],
  wanted: readonly Prefix[],
  ours: readonly Prefix[],
): RouteMerge {
  const mine = [...ours.filter((route) => !isExitRoute(route)).map(networkOf), NUDGE_ROUTE];
  const removed = current.filter((route) => hasRoute(mine, route) && !hasRoute(wanted, route));
  const added = wanted.filter((route) => !hasRoute(current, route));
  return {
    routes: [...current.filter((route) => !hasRoute(removed, route)), ...added],
    added,
    removed,
  };
}

/** True when the list has just this route. */
export function hasRoute(routes: readonly Prefix[], route: Prefix): boolean {
  return routes.some((each) => equalPrefixes(each, route));
}

/** True for a route in one of the networks, or of all of it. */
export function isInside(networks: readonly Prefix[], route: Prefix): boolean {
  return networks.some((network) => containsPrefix(network, route));
}

/** 0.0.0.0/0 and ::/0: what an exit node advertises, net/tsaddr of tailscale. */
export function isExitRoute(route: Prefix): boolean {
  return route.length === 0;
}
