/** How long ADDs took, counted as a histogram in the commit of their outcome. */
import type { StoreTransaction } from "../store/transaction.ts";

/** Upper bounds of the buckets in milliseconds; above the last there is one without a bound. */
export const DURATION_BOUNDS_MS: readonly number[] = [
  ...[25, 50, 100, 250, 500],
  ...[1_000, 2_500, 5_000, 10_000, 30_000, 60_000],
];

/** Label of the bucket without a bound. */
export const UNBOUNDED = "+Inf";

/** Counters: calls by the bound of their bucket, and milliseconds of all of them. */
export const DURATION_COUNTERS = { buckets: "durations", sum: "duration_milliseconds" } as const;

/** Stages that an ADD of a network took so long. */
export function countDuration(tx: StoreTransaction, network: string, milliseconds: number): void {
  const bound = DURATION_BOUNDS_MS.find((bound) => milliseconds <= bound);
  tx.count(DURATION_COUNTERS.buckets, network, bound === undefined ? UNBOUNDED : String(bound));
  tx.add(Math.round(milliseconds), DURATION_COUNTERS.sum, network);
}
