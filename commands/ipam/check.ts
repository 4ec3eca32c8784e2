import { type AttachContext, attachmentKey } from "../../lib/attach/context.ts";
import { openRequestStoreIfPresent } from "../../lib/attach/open_store.ts";
import { formatAttachment } from "../../lib/attachment.ts";
import type { Request } from "../../lib/cni/request.ts";
import { ConfigError } from "../../lib/errors.ts";
import { findLease } from "../../lib/store/leases.ts";

/**
 * Confirms that the attachment has its addresses, without changing anything.
 * @throws ConfigError `check-failure`, or StoreError.
 */
export async function check(request: Request, context: AttachContext): Promise<void> {
  const key = attachmentKey(request);
  await using store = await openRequestStoreIfPresent(request, context);
  if (await store?.read((reader) => findLease(reader, key))) return;
  throw new ConfigError(
    "check-failure",
    `Failed to find address added by container ${key.containerId}`,
    { details: `The store has no lease for "${formatAttachment(key)}"` },
  );
}
