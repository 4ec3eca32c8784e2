/**
 * The same as `lib/nft/forward_accept.ts` for a firewall of the older ip_tables, in the words of
 * iptables(8): what `-S` prints is compared, what `iptables-restore --noflush` reads is written.
 */
import type { Family } from "../net/address.ts";
import { formatPrefix, networkOf, type Prefix } from "../net/prefix.ts";
import { FORWARD_CHAIN, FORWARD_COMMENT } from "../nft/forward_accept.ts";

/** What `iptables -S` prints of chains, a line a rule. */
export interface LegacyRules {
  /** Of chain FORWARD. */
  readonly forward: readonly string[];
  /** Of our own chain; undefined when there is none. */
  readonly ours: readonly string[] | undefined;
}

const JUMP = `-m comment --comment "${FORWARD_COMMENT}" -j ${FORWARD_CHAIN}`;
const POLICY_DROP = "-P FORWARD DROP";

/**
 * What makes FORWARD let the pods' packets pass, or takes that away where it is not needed, as lines
 * of `iptables-restore`; none when all is as it should be. They are carried out as a whole.
 * @param podCidrs networks of the pods of this node; none take all away.
 */
export function planLegacyForward(
  family: Family,
  podCidrs: readonly Prefix[],
  { forward, ours }: LegacyRules,
): string[] {
  const wanted = podCidrs.filter(({ address }) => address.family === family).map(networkOf)
    .flatMap((prefix) => ["-s", "-d"].map((side) => acceptLine(side, prefix)));
  const jumps = forward.filter((line) => line === `-A FORWARD ${JUMP}`).length;
  const isNeeded = wanted.length > 0 && forward.includes(POLICY_DROP);
  const lines = isNeeded
    ? [...planChain(wanted, ours), ...jumps > 0 ? [] : [`-I FORWARD 1 ${JUMP}`]]
    : planRemoval(jumps, ours);
  return lines.length === 0 ? [] : ["*filter", ...lines, "COMMIT"];
}

/** To name a chain of one's own makes it, and empties one that is there. */
function planChain(wanted: readonly string[], have: readonly string[] | undefined): string[] {
  const rules = have?.filter((line) => line.startsWith("-A "));
  const isRight = rules?.length === wanted.length && rules.every((line, i) => line === wanted[i]);
  return isRight ? [] : [`:${FORWARD_CHAIN} - [0:0]`, ...wanted];
}

function planRemoval(jumps: number, ours: readonly string[] | undefined): string[] {
  return [
    ...Array.from({ length: jumps }, () => `-D FORWARD ${JUMP}`),
    ...ours ? [`-F ${FORWARD_CHAIN}`, `-X ${FORWARD_CHAIN}`] : [],
  ];
}

function acceptLine(side: string, prefix: Prefix): string {
  return `-A ${FORWARD_CHAIN} ${side} ${formatPrefix(prefix)} -j ACCEPT`;
}
