import { FAMILIES, type Family } from "../net/address.ts";
import type { Prefix } from "../net/prefix.ts";
import { intervalOf, mergeIntervals } from "./interval.ts";
import type { Rule } from "./rule.ts";
import { masquerade, matchAddress, matchFamily } from "./statement.ts";
import type { IntervalSet, Table } from "./table.ts";

/** Which packets leave the node under the node's own address. */
export interface Masquerade {
  /** Prefixes of local pods. Several networks of a node share the sets: each adds its own. */
  readonly sources: readonly Prefix[];
  /** Destinations that see the pod's own address: pod and service CIDRs of the whole cluster. */
  readonly exempt: readonly Prefix[];
}

/**
 * The addresses of a tailnet, 100.64.0.0/10 and fd7a:115c:a1e0::/48, to be made exempt on request
 * only: devices that accept no routes could not answer a pod (tailscale.com/kb/1033, kb/1019).
 */
export const TAILNET_PREFIXES: readonly Prefix[] = [
  { address: { family: 4, value: 0x6440_0000n }, length: 10 },
  { address: { family: 6, value: 0xfd7a_115c_a1e0n << 80n }, length: 48 },
];

/** 224.0.0.0/4 and ff00::/8: groups have no one who could answer; RFC 5771, RFC 4291. */
const MULTICAST_PREFIXES: readonly Prefix[] = [
  { address: { family: 4, value: 0xe000_0000n }, length: 4 },
  { address: { family: 6, value: 0xffn << 120n }, length: 8 },
];

/** `NF_IP_PRI_NAT_SRC`, linux/netfilter_ipv4.h; nft(8) calls it `srcnat`. */
export const PRIORITY_SRCNAT = 100;

/**
 * The masquerade part of our table: per family one rule, one set of sources, and one set of
 * exempt destinations, which the sources and multicast always belong to. Nothing per pod.
 * @param families those that have a part; by default those that have sources.
 */
export function masqueradeTable(
  want: Masquerade,
  families: readonly Family[] = sourceFamilies(want),
): Table {
  return {
    sets: families.flatMap((family) => [
      prefixSet(sourceSet(family), family, want.sources),
      prefixSet(exemptSet(family), family, [
        ...want.sources,
        ...want.exempt,
        ...MULTICAST_PREFIXES,
      ]),
    ]),
    maps: [],
    chains: families.length === 0 ? [] : [{
      name: "postrouting",
      type: "nat",
      hook: "postrouting",
      priority: PRIORITY_SRCNAT,
      rules: families.map(masqueradeRule),
    }],
  };
}

/** The families that something is to be masqueraded of. */
export function sourceFamilies({ sources }: Masquerade): Family[] {
  return FAMILIES.filter((family) => ofFamily(family, sources).length > 0);
}

/** Name of the set of sources of a family. */
export function sourceSet(family: Family): string {
  return `masquerade${family}`;
}

/** Names of the sets of a family. */
export function prefixSets(family: Family): string[] {
  return [sourceSet(family), exemptSet(family)];
}

/** A set of the prefixes of one family, each as the network that it is in. */
export function prefixSet(name: string, family: Family, prefixes: readonly Prefix[]): IntervalSet {
  return { name, family, intervals: mergeIntervals(ofFamily(family, prefixes).map(intervalOf)) };
}

function masqueradeRule(family: Family): Rule {
  return {
    comment: `headcni: masquerade pods, IPv${family}`,
    statements: [
      matchFamily(family),
      matchAddress(family, "saddr", "==", sourceSet(family)),
      matchAddress(family, "daddr", "!=", exemptSet(family)),
      masquerade(),
    ],
  };
}

function ofFamily(family: Family, prefixes: readonly Prefix[]): Prefix[] {
  return prefixes.filter(({ address }) => address.family === family);
}

function exemptSet(family: Family): string {
  return `exempt${family}`;
}
