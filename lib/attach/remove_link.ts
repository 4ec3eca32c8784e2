import type { AttachmentKey } from "../attachment.ts";
import type { Host } from "../host/host.ts";
import { log } from "../log.ts";
import { hostLinkName, isLinkOf } from "../pod/identity.ts";

/**
 * Removes the host's link of an attachment; the pod's end goes with it.
 * @returns false when there was none.
 * @throws KernelError.
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
