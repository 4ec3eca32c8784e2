/** How fast packets may leave by a link: the token bucket of tc-tbf(8). */

/** A token bucket. */
export interface Rate {
  /** What refills it, at least 1. */
  readonly bytesPerSecond: number;
  /** What it holds, which goes at any speed: 1 to 2^32 - 1. */
  readonly burstBytes: number;
}

/**
 * A token bucket as the kernel tells it. Its burst comes only as a time that overflows after 275 s,
 * but the limit of its queue holds it in bytes.
 */
export interface ShapedQueue {
  readonly bytesPerSecond: number;
  /** See {@linkcode queueLimitBytes}. */
  readonly limitBytes: number;
}

/** How long a packet may wait; the reference plugin `bandwidth` has the same. */
const LATENCY_SECONDS = 0.025;

/** Largest limit of a queue: `struct tc_tbf_qopt`, linux/pkt_sched.h. */
const MAX_LIMIT_BYTES = 2 ** 32 - 1;

/** How many bytes may wait for tokens, the burst included; more are dropped. */
export function queueLimitBytes({ bytesPerSecond, burstBytes }: Rate): number {
  return Math.min(Math.floor(bytesPerSecond * LATENCY_SECONDS) + burstBytes, MAX_LIMIT_BYTES);
}
