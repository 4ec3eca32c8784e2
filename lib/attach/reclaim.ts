/**
 * What earlier boots left: no namespace outlives its boot, so their leases are free again as soon as
 * nothing is at the path of their namespace any more, if it is known. Nobody has to wait for a GC.
 */
import { type AttachmentKey, byAttachment } from "../attachment.ts";
import { batchesOf } from "../batches.ts";
import type { Request } from "../cni/request.ts";
import { ConfigError } from "../errors.ts";
import { log } from "../log.ts";
import { findAttachment, listAttachments } from "../store/attachments.ts";
import { BOOT_KEY } from "../store/keys.ts";
import { findLease, type Lease, LEASES_PER_COMMIT, listLeases } from "../store/leases.ts";
import { listResting, stageWake } from "../store/resting.ts";
import type { Store } from "../store/store.ts";
import type { StoreTransaction } from "../store/transaction.ts";
import { type AttachContext, attachmentKey } from "./context.ts";
import { isNetnsGone } from "./left_over.ts";
import { owesOthers } from "./owed.ts";
import { forgetTaken, reclaimAttachment } from "./reclaim_attachment.ts";
import { release } from "./release.ts";

/** Rests that one commit may end: it takes 100 checks, one for each page and the summaries above. */
const RESTS_PER_COMMIT = 24;

/**
 * Runs a transaction that needs addresses. The first one of a boot is preceded by a reclaim. One that
 * finds no address free, or a host port taken, or its own attachment there already, is repeated when an earlier boot left that.
 * @throws what the transaction or `Store.write` throws.
 */
export async function writeReclaiming<T>(
  store: Store,
  request: Request,
  context: AttachContext,
  fn: (tx: StoreTransaction) => Promise<T>,
): Promise<T> {
  const bootId = context.node.bootId();
  if (store.clearedBootId !== bootId) await reclaimOnce(store, bootId);
  try {
    return await store.write(fn);
  } catch (error) {
    const reason = error instanceof ConfigError ? error.reason : undefined;
    const hasFreed = reason === "pool-exhausted" || reason === "port-taken"
      ? await reclaim(store, bootId)
      : reason === "already-attached" && await reclaimOwn(store, request, context);
    if (!hasFreed) throw error;
    return await store.write(fn);
  }
}

/** A whole node begins at once: those that waited for another's reclaim have nothing left to do. */
async function reclaimOnce(store: Store, bootId: string): Promise<void> {
  if (await store.read((reader) => reader.get(BOOT_KEY)) === bootId) return;
  await reclaim(store, bootId);
  await endRests(store, bootId);
  await store.write((tx) => tx.set(BOOT_KEY, bootId));
}

/** Frees what earlier boots left; false when there is nothing of that kind. */
async function reclaim(store: Store, bootId: string): Promise<boolean> {
  const isOver = (left: Left) => isLeft(bootId, left);
  const { leases, attachments } = await store.read(async (reader) => ({
    leases: await listLeases(reader),
    attachments: await listAttachments(reader),
  }));
  const over = byAttachment([...leases, ...attachments].filter(isOver));
  const keys = Array.from(over.values(), ({ key }) => key);
  let freed = 0;
  for (const batch of batchesOf(keys, LEASES_PER_COMMIT)) {
    freed += await store.write((tx) => forgetOver(tx, batch, isOver));
  }
  await forgetTaken(store, leases.filter((lease) => !isOver(lease)));
  if (freed > 0) log.info("Freed what earlier boots left", { attachments: freed });
  return freed > 0;
}

/**
 * Frees the attachment that is to be made, if an earlier boot left it. A namespace that is at its path
 * now is a new one when it is the one that ADD was told.
 */
async function reclaimOwn(
  store: Store,
  request: Request,
  context: AttachContext,
): Promise<boolean> {
  const bootId = context.node.bootId();
  const key = attachmentKey(request);
  const isOver = (left: Left) => isLeft(bootId, left, request.netns);
  const attachment = await store.read((reader) => findAttachment(reader, key));
  if (attachment && owesOthers(attachment) && isOver(attachment)) {
    await release({ request, key, attachment, store }, "unused", context);
    return true;
  }
  return await store.write((tx) => forgetOver(tx, [key], isOver)) > 0;
}

/** What a lease and the record of an attachment both tell. */
type Left = Pick<Lease, "bootId" | "netns">;

/**
 * True for what an earlier boot left, unless something is where its namespace was.
 * @param again path at which another namespace is now.
 */
function isLeft(bootId: string, left: Left, again?: string): boolean {
  if (left.bootId === "" || left.bootId === bootId) return false;
  return left.netns === "" || left.netns === again || isNetnsGone(left.netns);
}

/** Looks again, for others work too; answers how many attachments are gone now. */
async function forgetOver(
  tx: StoreTransaction,
  keys: readonly AttachmentKey[],
  isOver: (left: Left) => boolean,
): Promise<number> {
  let freed = 0;
  for (const key of keys) {
    const left = await Promise.all([findLease(tx, key), findAttachment(tx, key)]);
    const isAllOver = left.every((one) => one === undefined || isOver(one));
    if (isAllOver && await reclaimAttachment(tx, key, "unused")) freed += 1;
  }
  return freed;
}

/** With its boot every rest ends. */
async function endRests(store: Store, bootId: string): Promise<void> {
  const isOld = (one: { readonly bootId: string }) => one.bootId !== bootId;
  const old = (await store.read((reader) => listResting(reader))).filter(isOld);
  for (const batch of batchesOf(old, RESTS_PER_COMMIT)) {
    await store.write(async (tx) => {
      for (const resting of batch) await stageWake(tx, resting);
    });
  }
}
