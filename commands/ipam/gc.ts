import { collectFrom, freeDeadOf } from "../../lib/attach/collect.ts";
import { type AttachContext, moment } from "../../lib/attach/context.ts";
import { isListed } from "../../lib/attach/left_over.ts";
import { type AttachmentKey, formatAttachment } from "../../lib/attachment.ts";
import { batchesOf } from "../../lib/batches.ts";
import type { Request } from "../../lib/cni/request.ts";
import { errorText } from "../../lib/errors.ts";
import { log } from "../../lib/log.ts";
import { isDamage } from "../../lib/store/failure.ts";
import { LEASES_PER_COMMIT, listLeases, releaseLease } from "../../lib/store/leases.ts";
import type { Moment } from "../../lib/store/resting.ts";
import type { Store } from "../../lib/store/store.ts";

/**
 * Releases the leases of this network that are not valid any more. Without a list of valid
 * attachments (which is not an empty list) only those go that are proven dead.
 * @throws HeadcniError `try-again` that names what could not be released, after all the rest was.
 */
export async function gc(request: Request, context: AttachContext): Promise<void> {
  const { name, validAttachments } = request.config;
  await collectFrom(request, context, async (store) => {
    if (!store) return [];
    if (!validAttachments) return await freeDeadOf(name, context, store);
    const leases = await store.read((reader) => listLeases(reader, name));
    const unlisted = leases.map(({ key }) => key).filter((key) => !isListed(validAttachments, key));
    const failures: string[] = [];
    for (const batch of batchesOf(unlisted, LEASES_PER_COMMIT)) {
      failures.push(...await release(store, batch, moment(context)));
    }
    return failures;
  });
}

/** Answers one text when the batch could not be released. */
async function release(
  store: Store,
  keys: readonly AttachmentKey[],
  now: Moment,
): Promise<string[]> {
  try {
    await store.write(async (tx) => {
      for (const key of keys) await releaseLease(tx, key, now);
    });
    for (const key of keys) log.info("Released a lease that nobody has any more", { ...key });
    return [];
  } catch (error) {
    if (isDamage(error)) throw error;
    return [`${keys.map(formatAttachment).join(", ")}: ${errorText(error)}`];
  }
}
