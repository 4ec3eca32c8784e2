import { ConfigError } from "../errors.ts";
import { log } from "../log.ts";
import { type Lease, restoreLease } from "./leases.ts";
import type { StoreTransaction } from "./transaction.ts";

/**
 * Puts back a lease that a witness tells of. Two witnesses may contradict each other: the first one
 * counts, and the log tells of the other.
 * @returns false for a lease that the store has, or whose address another attachment has.
 * @throws StoreError.
 */
export async function restoreUnlessTaken(tx: StoreTransaction, lease: Lease): Promise<boolean> {
  try {
    return await restoreLease(tx, lease) === "new";
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    log.error("Cannot restore a lease", { key: lease.key, error });
    return false;
  }
}
