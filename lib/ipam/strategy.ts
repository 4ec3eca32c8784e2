/** Which free address comes next. */
import type { Address } from "../net/address.ts";
import {
  addressAt,
  addressBehind,
  countAddresses,
  type Interval,
  rotateIntervals,
} from "./interval.ts";

/** Names of the strategies that can be configured. */
export const STRATEGY_NAMES = ["sequential", "random", "dense"] as const;

/** One of {@linkcode STRATEGY_NAMES}. */
export type StrategyName = typeof STRATEGY_NAMES[number];

/** Other words for them that users have, from the chart of an older system. */
const ALIASES: ReadonlyMap<string, StrategyName> = new Map([
  ["dense-pack", "dense"],
  ["dense_pack", "dense"],
]);

/**
 * A strategy decides where the search begins and how it goes on; the first free address on that
 * way is taken.
 * @param usable what can be given, from `usableIntervals`.
 * @param cursor the address that was given last from this set.
 * @param random a number from 0 to below 1, another one each time.
 */
export type Strategy = (
  usable: readonly Interval[],
  cursor: Address | undefined,
  random: () => number,
) => Interval[];

/** Every strategy by name. */
export const STRATEGIES: Readonly<Record<StrategyName, Strategy>> = {
  // Round robin, as host-local does: a released address comes again as late as possible.
  sequential: (usable, cursor) => rotateIntervals(usable, cursor && addressBehind(usable, cursor)),
  // Nobody can tell which address comes next; the start is as likely anywhere.
  random: (usable, _cursor, random) =>
    rotateIntervals(usable, addressAt(usable, randomBelow(countAddresses(usable), random))),
  // The first free one in the order of the configuration: what is used stays together.
  dense: (usable) => [...usable],
};

/** The strategy that a configuration names, by its name or an alias. */
export function findStrategy(name: string): StrategyName | undefined {
  return STRATEGY_NAMES.find((known) => known === name) ?? ALIASES.get(name);
}

/** Bits that one random number gives. */
const DRAW_BITS = 32;

/** Equally likely to be any from 0 to below `bound`, but for one part in 2^32. */
function randomBelow(bound: bigint, random: () => number): bigint {
  const draws = Math.ceil(bound.toString(2).length / DRAW_BITS) + 1;
  let fraction = 0n;
  for (let draw = 0; draw < draws; draw++) {
    fraction = (fraction << BigInt(DRAW_BITS)) + BigInt(Math.floor(random() * 2 ** DRAW_BITS));
  }
  return (fraction * bound) >> BigInt(draws * DRAW_BITS);
}
