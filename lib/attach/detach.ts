/**
 * DEL and GC: the link goes first, so that no address is given away while it is still live; the
 * store forgets last. Everything may be gone already, and every step may be repeated.
 */
import type { AttachmentKey } from "../attachment.ts";
import type { NetworkConfig, Request } from "../cni/request.ts";
import type { Host } from "../host/host.ts";
import { log } from "../log.ts";
import { hostLinkName, isLinkOf } from "../pod/identity.ts";
import { type Attachment, findAttachment, forgetAttachment } from "../store/attachments.ts";
import { findLease } from "../store/leases.ts";
import type { Moment } from "../store/resting.ts";
import type { Store } from "../store/store.ts";
import { type AttachContext, attachmentKey, moment } from "./context.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { openRequestStoreIfPresent } from "./open_store.ts";
import { mayPostpone, postponeRelease } from "./postpone.ts";

/**
 * Takes the pod's link, addresses and records away. A store that fails does not keep a pod from going:
 * what it cannot be told now it is told later.
 * @throws KernelError, StoreError or ClientError when something stayed that a retry may remove.
 */
export async function detach(request: Request, context: AttachContext): Promise<void> {
  const key = attachmentKey(request);
  using host = context.node.openHost();
  // The kernel takes 18 ms over a veth; the store is opened and read meanwhile.
  const removing = removeLink(host, key);
  const finding = openAndFind(request, key, context);
  const [removal, found] = await Promise.allSettled([removing, finding]);
  await using store = found.status === "fulfilled" ? found.value.store : undefined;
  if (removal.status === "rejected") throw removal.reason;
  if (found.status === "rejected") {
    if (!mayPostpone(found.reason)) throw found.reason;
    await release(request, key, undefined, undefined, moment(context));
    return await postponeRelease(found.reason, request, context);
  }
  if (removal.value && !found.value.isKnown) {
    log.warn("Removed a link that the store knows nothing of: is its dataDir that of the ADD?", {
      ...key,
      store: store?.directory,
    });
  }
  await release(request, key, found.value.attachment, store, moment(context))
    .catch((error) => postponeRelease(error, request, context));
}

/**
 * Releases the addresses of an attachment whose link is gone, then forgets it.
 * @param rest as for `releaseLease`.
 */
export async function release(
  request: Request,
  key: AttachmentKey,
  attachment: Attachment | undefined,
  store: Store | undefined,
  rest: Moment | "unused",
): Promise<void> {
  // What ADD was told counts: today's configuration may name another plugin, or another store of it.
  const config = toConfig(attachment?.config) ?? request.config.raw;
  await callForeignIpam("DEL", { ...request, ...key }, config);
  await store?.write((tx) => forgetAttachment(tx, key, rest));
}

/** Opens the store, if there is one, and looks the attachment up. */
async function openAndFind(request: Request, key: AttachmentKey, context: AttachContext) {
  const store = await openRequestStoreIfPresent(request, context);
  await using undo = new AsyncDisposableStack();
  undo.use(store);
  const [attachment, isKnown] = await store?.read(async (reader) => {
    const attachment = await findAttachment(reader, key);
    // A lease that was brought back from its traces has no record beside it.
    return [attachment, attachment !== undefined || await findLease(reader, key) !== undefined];
  }) ?? [undefined, false];
  undo.move();
  return { store, attachment, isKnown };
}

/**
 * Removes the host's link of an attachment; the pod's end goes with it.
 * @returns false when there was none.
 */
export async function removeLink(host: Host, key: AttachmentKey): Promise<boolean> {
  const name = hostLinkName(key);
  const link = host.findLink("host", name);
  if (!link) return false;
  if (isLinkOf(key, link)) {
    await host.removeLinkInBackground(name);
    return true;
  }
  log.warn("Left a link alone that has a name of ours but another owner", {
    link: name,
    alias: link.alias,
  });
  return false;
}

function toConfig(stored: unknown): NetworkConfig["raw"] | undefined {
  return typeof stored === "object" && stored !== null ? { ...stored } : undefined;
}
