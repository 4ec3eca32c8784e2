/** Leases that a store lost because an older copy of it was put in its place. */
import { formatAttachment } from "../attachment.ts";
import { batchesOf } from "../batches.ts";
import { log } from "../log.ts";
import {
  findLease,
  findOwner,
  haveSameAddresses,
  type Lease,
  LEASES_PER_COMMIT,
  releaseLease,
} from "./leases.ts";
import { restoreUnlessTaken } from "./restore.ts";
import { type StoreTransaction, Transaction } from "./transaction.ts";

/** For each lease that comes back another one may have to go. */
const MERGED_PER_COMMIT = LEASES_PER_COMMIT / 2;

/**
 * Gives the store what witnesses tell of and it does not know; what it knows stays as it is. Of two
 * leases of one address the one that a witness tells of counts: the pod of the other has gone since
 * the copy was made.
 * @throws StoreError; whoever merges again goes on where this ended.
 */
export async function mergeLeases(
  kv: Deno.Kv,
  path: string,
  leases: readonly Lease[],
): Promise<void> {
  const witnessed = new Set(leases.map(({ key }) => formatAttachment(key)));
  // First of all, for one of them may have the address that another one had.
  for (const batch of batchesOf(leases, MERGED_PER_COMMIT)) {
    const tx = new Transaction(kv, path);
    for (const lease of batch) await forgetMoved(tx, lease);
    await tx.commit();
  }
  let merged = 0;
  for (const batch of batchesOf(leases, MERGED_PER_COMMIT)) {
    const tx = new Transaction(kv, path);
    for (const lease of batch) {
      await forgetOthers(tx, lease, witnessed);
      if (await restoreUnlessTaken(tx, lease)) merged += 1;
    }
    await tx.commit();
  }
  const text = `Completed the store "${path}", which others put in place, by what witnesses tell`;
  // A store that an import made, or a copy made a moment ago, lacks nothing: no news for anybody.
  if (merged > 0) log.error(text, { merged });
  else log.info(text, { merged });
}

/** An attachment that was made again since the copy has other addresses now. */
async function forgetMoved(tx: StoreTransaction, lease: Lease): Promise<void> {
  const stored = await findLease(tx, lease.key);
  if (!stored || haveSameAddresses(stored, lease)) return;
  await releaseLease(tx, lease.key, "unused");
}

async function forgetOthers(
  tx: StoreTransaction,
  { key, addresses }: Lease,
  witnessed: ReadonlySet<string>,
): Promise<void> {
  for (const { address: { address } } of addresses) {
    const owner = await findOwner(tx, key.network, address);
    if (!owner || witnessed.has(formatAttachment(owner))) continue;
    await releaseLease(tx, owner, "unused");
    log.error(`Forgot the lease of "${formatAttachment(owner)}": its address is of another now`, {
      owner: formatAttachment(key),
    });
  }
}
