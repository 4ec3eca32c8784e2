/** Which free address comes next. */
import type { Address } from "../net/address.ts";
import { type Interval, roundAfter } from "./interval.ts";

/** Names of the strategies that can be configured. */
export const STRATEGY_NAMES = ["sequential", "random", "dense"] as const;

/** One of {@linkcode STRATEGY_NAMES}. */
export type StrategyName = typeof STRATEGY_NAMES[number];

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
  sequential: roundAfter,
  random: roundAfter,
  dense: (usable) => [...usable],
};
