/**
 * DEL: the link goes before its address is given away, members go in reverse order, and the store
 * forgets last. Everything may be gone already, and every step may be repeated.
 */
import type { AttachmentKey } from "../attachment.ts";
import type { Request } from "../cni/request.ts";
import { log } from "../log.ts";
import { hasMembers } from "../pod/members.ts";
import { findAttachment } from "../store/attachments.ts";
import { findLease } from "../store/leases.ts";
import { type AttachContext, attachmentKey, moment } from "./context.ts";
import { closePorts } from "./host_ports.ts";
import { openRequestStoreIfPresent } from "./open_store.ts";
import { mayPostpone, postponeRelease } from "./postpone.ts";
import { release } from "./release.ts";
import { removeLinks } from "./remove_links.ts";

/**
 * Takes the pod's link, addresses and records away. A store that fails does not keep a pod from going:
 * what it cannot be told now it is told later.
 * @throws KernelError, StoreError or ClientError when something stayed that a retry may remove.
 */
export async function detach(request: Request, context: AttachContext): Promise<void> {
  const key = attachmentKey(request);
  using host = context.node.openHost();
  // The kernel takes 18 ms over a veth; the store is opened and read meanwhile. Members go in their
  // own order, and there may be none that has a link of ours.
  const removing = hasMembers(request.config.raw) ? false : removeLinks(host, key);
  const finding = openAndFind(request, key, context);
  const [removal, found] = await Promise.allSettled([removing, finding]);
  await using store = found.status === "fulfilled" ? found.value.store : undefined;
  if (removal.status === "rejected") throw removal.reason;
  if (found.status === "rejected") {
    if (!mayPostpone(found.reason)) throw found.reason;
    await closePorts(request, key, undefined, context);
    const end = { request, key, attachment: "unknown", store: undefined } as const;
    await release(end, moment(context), context);
    return await postponeRelease(found.reason, request, context);
  }
  const { attachment, isKnown } = found.value;
  if (removal.value && !isKnown) {
    log.warn("Removed a link that the store knows nothing of: is its dataDir that of the ADD?", {
      ...key,
      store: store?.directory,
    });
  }
  await release({ request, key, attachment, store }, moment(context), context)
    .catch((error) => postponeRelease(error, request, context));
}

/** Opens the store, if there is one, looks the attachment up, and closes its host ports. */
async function openAndFind(request: Request, key: AttachmentKey, context: AttachContext) {
  const store = await openRequestStoreIfPresent(request, context);
  await using undo = new AsyncDisposableStack();
  undo.use(store);
  const [attachment, isKnown] = await store?.read(async (reader) => {
    const attachment = await findAttachment(reader, key);
    // A lease that was brought back from its traces has no record beside it.
    return [attachment, attachment !== undefined || await findLease(reader, key) !== undefined];
  }) ?? [undefined, false];
  // The kernel takes 10 ms over that as well.
  await closePorts(request, key, attachment, context);
  undo.move();
  return { store, attachment, isKnown };
}
