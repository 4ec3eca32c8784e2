import { FAMILIES, type Family } from "../net/address.ts";
import { parsePrefix, type Prefix } from "../net/prefix.ts";
import { intervalOf, mergeIntervals } from "./interval.ts";
import { masquerade, matchAddress, matchFamily } from "./statement.ts";
import type { IntervalSet, Rule, Table } from "./table.ts";

/** Which packets leave the node under the node's own address. */
export interface Masquerade {
  /** Prefixes of local pods. Several networks of a node share the sets: each adds its own. */
  readonly sources: readonly Prefix[];
  /** Destinations that see the pod's own address: pod and service CIDRs of the whole cluster. */
  readonly exempt: readonly Prefix[];
}

/**
 * The addresses of a tailnet, to be added to `exempt` on request only, for devices that accept no
 * routes could not answer a pod: https://tailscale.com/kb/1015/100.x-addresses and kb/1033.
 */
export const TAILNET_PREFIXES: readonly Prefix[] = ["100.64.0.0/10", "fd7a:115c:a1e0::/48"]
  .map(parsePrefix);

/** Groups have no single receiver that could answer: RFC 5771, RFC 4291 section 2.7. */
const MULTICAST_PREFIXES: readonly Prefix[] = ["224.0.0.0/4", "ff00::/8"].map(parsePrefix);

/** `NF_IP_PRI_NAT_SRC`, linux/netfilter_ipv4.h; nft(8) calls it `srcnat`. */
const PRIORITY_SRCNAT = 100;

/**
 * The masquerade part of our table: per family one rule, one set of sources, and one set of
 * exempt destinations, which the sources and multicast always belong to. Nothing per pod. A family
 * without sources has no part.
 */
export function masqueradeTable(want: Masquerade): Table {
  const families = FAMILIES.filter((family) => ofFamily(family, want.sources).length > 0);
  return {
    sets: families.flatMap((family) => [
      prefixSet(sourceSet(family), family, want.sources),
      prefixSet(exemptSet(family), family, [
        ...want.sources,
        ...want.exempt,
        ...MULTICAST_PREFIXES,
      ]),
    ]),
    chains: families.length === 0 ? [] : [{
      name: "postrouting",
      type: "nat",
      hook: "postrouting",
      priority: PRIORITY_SRCNAT,
      rules: families.map(masqueradeRule),
    }],
  };
}

function masqueradeRule(family: Family): Rule {
  return {
    comment: `headcni: masquerade pods, IPv${family}`,
    statements: [
      matchFamily(family),
      matchAddress(family, "saddr", sourceSet(family)),
      matchAddress(family, "daddr", exemptSet(family), true),
      masquerade(),
    ],
  };
}

function prefixSet(name: string, family: Family, prefixes: readonly Prefix[]): IntervalSet {
  return { name, family, intervals: mergeIntervals(ofFamily(family, prefixes).map(intervalOf)) };
}

function ofFamily(family: Family, prefixes: readonly Prefix[]): Prefix[] {
  return prefixes.filter(({ address }) => address.family === family);
}

function sourceSet(family: Family): string {
  return `masquerade${family}`;
}

function exemptSet(family: Family): string {
  return `exempt${family}`;
}
