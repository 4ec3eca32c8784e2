/** What is freed of attachments that are gone, by whoever finds that out. */
import type { AttachmentKey } from "../attachment.ts";
import { batchesOf } from "../batches.ts";
import { errorText } from "../errors.ts";
import { log } from "../log.ts";
import { dropPorts, findAttachment, removeAttachment } from "../store/attachments.ts";
import { isDamage } from "../store/failure.ts";
import { type Lease, releaseLease } from "../store/leases.ts";
import type { Moment } from "../store/resting.ts";
import { findTaken, forgetSticky, listSticky } from "../store/sticky.ts";
import type { Store } from "../store/store.ts";
import type { StoreTransaction } from "../store/transaction.ts";
import { owesOthers } from "./owed.ts";

/** Memories that one commit forgets: it takes 100 checks, one for each. */
const STICKY_PER_COMMIT = 50;

/**
 * Frees the lease and the host ports of an attachment, and removes the record of its ADD, unless
 * another plugin has yet to be told: that waits for DEL or GC.
 * @param rest as for `releaseLease`.
 * @returns false when there was nothing to free or to remove.
 */
export async function reclaimAttachment(
  tx: StoreTransaction,
  key: AttachmentKey,
  rest: Moment | "unused",
): Promise<boolean> {
  const attachment = await findAttachment(tx, key);
  const lease = await releaseLease(tx, key, rest);
  if (lease) tx.count("reclaimed", key.network);
  const isOwn = attachment !== undefined && !owesOthers(attachment);
  // Without a record there may be host ports: whoever made the store anew had them from the kernel.
  if (isOwn || !attachment) await removeAttachment(tx, key);
  // Nobody is owed a port.
  else await dropPorts(tx, attachment);
  return lease !== undefined || isOwn || attachment?.hostPorts !== undefined;
}

/**
 * Forgets which addresses pods of StatefulSets had, where other pods have them now. What cannot be
 * written is forgotten another time.
 * @param living the leases of the network, or of all.
 * @throws StoreError when the store cannot be read or is damaged.
 */
export async function forgetTaken(
  store: Store,
  living: readonly Lease[],
  network?: string,
): Promise<void> {
  const sticky = await store.read((reader) => listSticky(reader, network));
  try {
    for (const batch of batchesOf(findTaken(sticky, living), STICKY_PER_COMMIT)) {
      await store.write(async (tx) => {
        for (const one of batch) await forgetSticky(tx, one);
      });
    }
  } catch (error) {
    if (isDamage(error)) throw error;
    log.debug(`Cannot forget what pods had: ${errorText(error)}`);
  }
}
