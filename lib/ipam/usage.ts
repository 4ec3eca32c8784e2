/** How full a pool is. */

/** Counts of the addresses of a pool. */
export interface PoolUsage {
  /** Addresses that pods can have. */
  readonly total: bigint;
  /** Of these, held by pods. */
  readonly used: number;
  /** Of these, released and not given again for a while. */
  readonly resting: number;
  /** Addresses inside of the ranges that no pod gets of itself: reserved, excluded, gateways. */
  readonly reserved: bigint;
}
