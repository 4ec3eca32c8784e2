import { type AttachContext, attachmentKey, moment } from "../../lib/attach/context.ts";
import { openRequestStoreIfPresent } from "../../lib/attach/open_store.ts";
import type { Request } from "../../lib/cni/request.ts";
import { releaseLease } from "../../lib/store/leases.ts";

/**
 * Releases what the attachment has; nothing is no fault. The ranges of the configuration are not
 * read: the lease knows its addresses.
 * @throws StoreError when a retry may release more.
 */
export async function del(request: Request, context: AttachContext): Promise<void> {
  await using store = await openRequestStoreIfPresent(request, context);
  await store?.write((tx) => releaseLease(tx, attachmentKey(request), moment(context)));
}
