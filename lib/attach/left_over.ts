/** What tells a live attachment from one that was left behind. */
import type { AttachmentKey } from "../attachment.ts";
import type { ValidAttachment } from "../cni/request.ts";

/** True when the caller of GC listed the attachment as a live one. */
export function isListed(valid: readonly ValidAttachment[], key: AttachmentKey): boolean {
  return valid.some(({ containerId, ifname }) =>
    containerId === key.containerId && ifname === key.ifname
  );
}

/** True when nothing is at the path of a namespace; it is not opened. */
export function isNetnsGone(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}
