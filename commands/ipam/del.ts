import { type AttachContext, attachmentKey, moment } from "../../lib/attach/context.ts";
import { openRequestStoreIfPresent } from "../../lib/attach/open_store.ts";
import { postponeRelease } from "../../lib/attach/postpone.ts";
import type { Request } from "../../lib/cni/request.ts";
import { releaseLease } from "../../lib/store/leases.ts";

/**
 * Releases what the attachment has; nothing is no fault. The ranges of the configuration are not
 * read: the lease knows its addresses. What a store that fails cannot be told now it is told later.
 * @throws StoreError `try-again`, or when not even that can be kept for later.
 */
export async function del(request: Request, context: AttachContext): Promise<void> {
  try {
    await using store = await openRequestStoreIfPresent(request, context);
    await store?.write((tx) => releaseLease(tx, attachmentKey(request), moment(context)));
  } catch (error) {
    await postponeRelease(error, request, context);
  }
}
