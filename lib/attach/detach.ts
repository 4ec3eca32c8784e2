/**
 * DEL and GC: the link goes first, so that no address is given away while it is still live; the
 * store forgets last. Everything may be gone already, and every step may be repeated.
 */
import type { AttachmentKey } from "../attachment.ts";
import type { NetworkConfig, Request } from "../cni/request.ts";
import type { Host } from "../host/host.ts";
import { log } from "../log.ts";
import { hostLinkName, isLinkOf } from "../pod/identity.ts";
import { type Attachment, findAttachment, removeAttachment } from "../store/attachments.ts";
import { releaseLease } from "../store/leases.ts";
import type { Moment } from "../store/resting.ts";
import type { Store } from "../store/store.ts";
import { type AttachContext, attachmentKey, moment } from "./context.ts";
import { callForeignIpam } from "./foreign_ipam.ts";
import { openRequestStoreIfPresent } from "./open_store.ts";

/**
 * Takes the pod's link, addresses and records away.
 * @throws KernelError, StoreError or ClientError when something stayed that a retry may remove.
 */
export async function detach(request: Request, context: AttachContext): Promise<void> {
  const key = attachmentKey(request);
  using host = context.node.openHost();
  // The kernel takes 18 ms over a veth; the store is opened and read meanwhile.
  const removing = removeLink(host, key);
  const finding = openAndFind(request, key, context);
  const [removal, found] = await Promise.allSettled([removing, finding]);
  if (found.status === "rejected") throw found.reason;
  await using store = found.value.store;
  if (removal.status === "rejected") throw removal.reason;
  if (removal.value && !found.value.attachment) {
    log.warn("Removed a link that the store knows nothing of: is its dataDir that of the ADD?", {
      ...key,
      store: store?.directory,
    });
  }
  await release(request, key, found.value.attachment, store, moment(context));
}

/** Releases the addresses of an attachment whose link is gone, then forgets it. */
export async function release(
  request: Request,
  key: AttachmentKey,
  attachment: Attachment | undefined,
  store: Store | undefined,
  moment: Moment,
): Promise<void> {
  // What ADD was told counts: today's configuration may name another plugin, or another store of it.
  const config = toConfig(attachment?.config) ?? request.config.raw;
  await callForeignIpam("DEL", { ...request, ...key }, config);
  await store?.write(async (tx) => {
    await releaseLease(tx, key, moment);
    removeAttachment(tx, key);
  });
}

/** Opens the store, if there is one, and looks the attachment up. */
async function openAndFind(request: Request, key: AttachmentKey, context: AttachContext) {
  const store = await openRequestStoreIfPresent(request, context);
  await using undo = new AsyncDisposableStack();
  undo.use(store);
  const attachment = await store?.read((reader) => findAttachment(reader, key));
  undo.move();
  return { store, attachment };
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
