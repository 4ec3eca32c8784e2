import type { AttachmentKey } from "../attachment.ts";
import type { Host } from "../host/host.ts";
import { log } from "../log.ts";
import { hostLinkName, ifbName, isLinkOf } from "../pod/identity.ts";

/**
 * Removes the host's links of an attachment; the pod's end goes with one of them.
 * @returns false when there were none.
 * @throws KernelError.
 */
export async function removeLinks(host: Host, key: AttachmentKey): Promise<boolean> {
  const names = [hostLinkName(key), ifbName(key)].filter((name) => isThere(host, key, name));
  if (names.length > 0) await host.removeLinksInBackground(names);
  return names.length > 0;
}

function isThere(host: Host, key: AttachmentKey, name: string): boolean {
  const link = host.findLink("host", name);
  if (!link || isLinkOf(key, link)) return link !== undefined;
  log.warn("Left a link alone that has a name of ours but another owner", {
    link: name,
    alias: link.alias,
  });
  return false;
}
