/** Who else in the tailnet has the addresses of pods. */
import {
  containsAddress,
  containsPrefix,
  formatPrefix,
  networkOf,
  overlaps,
  type Prefix,
} from "../net/prefix.ts";
import { TAILNET_PREFIXES } from "../nft/masquerade.ts";
import { ownRoutes } from "./own_routes.ts";
import { podRoutes, servedRoutes, showNode } from "./peer_routes.ts";
import type { TailnetNode, TailnetStatus } from "./tailnet.ts";

/** What there can be: a label of a metric. */
export type ConflictKind =
  /** Another node serves our prefix, or a part of it. */
  | "duplicate"
  /** Another node serves a wider network. */
  | "covered"
  /** Two other nodes serve the same addresses of the cluster. */
  | "peers"
  /** Addresses of the tailnet are addresses of the cluster. */
  | "tailnet_range";

/** One of them. */
export interface Conflict {
  readonly kind: ConflictKind;
  /** Of our own for the first two, else of the cluster. */
  readonly prefix: Prefix;
  /** `"10.244.1.0/24": what, and what to do`. */
  readonly text: string;
}

/** What the conflicts are looked for in. */
export interface ConflictFacts {
  readonly podCidrs: readonly Prefix[];
  readonly clusterCidrs: readonly Prefix[];
  readonly status: TailnetStatus;
}

/**
 * All conflicts that our tailscaled can see: a route that Headscale gives to nobody, since we have it
 * first, is not among them.
 */
export function findConflicts({ podCidrs, clusterCidrs, status }: ConflictFacts): Conflict[] {
  const own = ownRoutes(podCidrs).routes;
  return [
    ...own.flatMap((prefix) => status.peers.flatMap((peer) => meetings(prefix, peer, status.self))),
    ...peerConflicts(clusterCidrs, status.peers),
    ...clusterCidrs.flatMap((cluster) => rangeConflicts(cluster, status)),
  ];
}

/** What a peer serves of a prefix of ours, or around it. */
function meetings(prefix: Prefix, peer: TailnetNode, self: TailnetNode | undefined): Conflict[] {
  return servedRoutes(peer).filter((route) => overlaps(prefix, route)).map((route) =>
    containsPrefix(prefix, route)
      ? conflict(
        "duplicate",
        prefix,
        `${showNode(peer)} serves ${say(route, prefix)} too`,
        adviseDuplicate(peer, self),
      )
      : conflict(
        "covered",
        prefix,
        `inside of ${formatPrefix(route)} of ${showNode(peer)}`,
        "only our rule keeps traffic to pods of this node here",
      )
  );
}

function adviseDuplicate(peer: TailnetNode, self: TailnetNode | undefined): string {
  return !peer.isOnline || peer.hostName === self?.hostName
    ? "if that is an older registration of this node, delete it: headscale nodes delete -i <its id>"
    : "withdraw it there, or give one of both another PodCIDR";
}

/** A network of pods, and who serves it. */
interface ServedRoute {
  readonly peer: TailnetNode;
  readonly route: Prefix;
}

/**
 * Each pair of nodes once. Of two networks that share addresses one contains the other, so in their order
 * those around a network are the ones before it that are not over yet: a tailnet may have thousands.
 */
function peerConflicts(
  clusterCidrs: readonly Prefix[],
  peers: readonly TailnetNode[],
): Conflict[] {
  const served = peers.flatMap((peer) =>
    podRoutes(peer, clusterCidrs).map((route): ServedRoute => ({ peer, route: networkOf(route) }))
  ).sort(byNetwork);
  const around: ServedRoute[] = [];
  return served.flatMap((other) => {
    while (around.length > 0 && !containsPrefix(around.at(-1)?.route ?? other.route, other.route)) {
      around.pop();
    }
    const conflicts = around.filter(({ peer }) => peer !== other.peer).map((one) =>
      conflict(
        "peers",
        one.route,
        `of ${showNode(one.peer)}, and ${formatPrefix(other.route)} of ${showNode(other.peer)}`,
        "give one of both another PodCIDR, or delete the older registration",
      )
    );
    around.push(other);
    return conflicts;
  });
}

/** By family and address; of one address the wider first. */
function byNetwork({ route: one }: ServedRoute, { route: other }: ServedRoute): number {
  if (one.address.family !== other.address.family) return one.address.family - other.address.family;
  if (one.address.value === other.address.value) return one.length - other.length;
  return one.address.value < other.address.value ? -1 : 1;
}

function rangeConflicts(cluster: Prefix, { self, peers }: TailnetStatus): Conflict[] {
  const fix = "use another network for pods";
  const ranges = TAILNET_PREFIXES.filter((range) => overlaps(range, cluster));
  if (ranges.length > 0) {
    return ranges.map((range) =>
      conflict("tailnet_range", cluster, `${formatPrefix(range)} holds addresses of nodes`, fix)
    );
  }
  const [inside] = [...self ? [self] : [], ...peers].filter(({ addresses }) =>
    addresses.some((address) => containsAddress(cluster, address))
  );
  return inside
    ? [conflict("tailnet_range", cluster, `${showNode(inside)} has an address of it`, fix)]
    : [];
}

function conflict(
  kind: ConflictKind,
  prefix: Prefix,
  what: string,
  advice: string,
): Conflict {
  return { kind, prefix, text: `"${formatPrefix(prefix)}": ${what}; ${advice}` };
}

function say(route: Prefix, prefix: Prefix): string {
  return route.length === prefix.length ? "it" : `${formatPrefix(route)} of it`;
}
