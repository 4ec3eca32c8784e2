/** What tells a live attachment from one that was left behind. */
import type { AttachmentKey } from "../attachment.ts";
import type { ValidAttachment } from "../cni/request.ts";
import { isProvenGone, type NetnsFacts } from "../ipam/liveness.ts";

/** Inode of the first pid namespace: `PROC_PID_INIT_INO`, linux/proc_ns.h. */
const INITIAL_PID_NAMESPACE = 0xeffffffc;

/** True when the caller of GC listed the attachment as a live one. */
export function isListed(valid: readonly ValidAttachment[], key: AttachmentKey): boolean {
  return valid.some(({ containerId, ifname }) =>
    containerId === key.containerId && ifname === key.ifname
  );
}

/** Looks at the path of a namespace; it is not opened. */
export function lookForNetns(path: string): NetnsFacts {
  return {
    netns: path,
    hasNetns: isPresent(path),
    hasNetnsDirectory: isPresent(path.slice(0, path.lastIndexOf("/") + 1)),
    isInitialPidNamespace: inodeOf("/proc/self/ns/pid") === INITIAL_PID_NAMESPACE,
  };
}

/** True when the namespace of a path is certainly there no more. */
export function isNetnsGone(path: string): boolean {
  return isProvenGone(lookForNetns(path));
}

/** True when something is at the path, a link too. What cannot be looked at counts as there. */
export function isPresent(path: string): boolean {
  try {
    Deno.lstatSync(path);
    return true;
  } catch (error) {
    return !(error instanceof Deno.errors.NotFound);
  }
}

function inodeOf(path: string): number | undefined {
  try {
    return Deno.statSync(path).ino ?? undefined;
  } catch {
    return undefined;
  }
}
