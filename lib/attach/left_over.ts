/** What tells a live attachment from one that was left behind. */
import type { AttachmentKey } from "../attachment.ts";
import type { ValidAttachment } from "../cni/request.ts";
import type { LeaseFacts } from "../ipam/liveness.ts";

/** Inode of the first pid namespace: `PROC_PID_INIT_INO`, linux/proc_ns.h. */
const INITIAL_PID_NAMESPACE = 0xeffffffc;

/** `/proc/<pid>/...` is gone with the process, directory and all: proc(5). */
const OF_A_PROCESS = /^\/proc\/\d+\//;

/** True when the caller of GC listed the attachment as a live one. */
export function isListed(valid: readonly ValidAttachment[], key: AttachmentKey): boolean {
  return valid.some(({ containerId, ifname }) =>
    containerId === key.containerId && ifname === key.ifname
  );
}

/**
 * What is at the path of a namespace; it is not opened. A process in a container without the host's
 * mounts sees no namespace at all, which proves nothing, and only in the initial pid namespace has
 * every process its number in /proc.
 */
export function observeNetns(path: string): LeaseFacts["netnsState"] {
  if (path === "") return "unknown";
  if (isPresent(path)) return "present";
  const isVisible = OF_A_PROCESS.test(path)
    ? inodeOf("/proc/self/ns/pid") === INITIAL_PID_NAMESPACE
    : isPresent(path.slice(0, path.lastIndexOf("/") + 1));
  return isVisible ? "gone" : "unknown";
}

/** True when the namespace of a path is certainly there no more. */
export function isNetnsGone(path: string): boolean {
  return observeNetns(path) === "gone";
}

/** What cannot be looked at counts as there. */
function isPresent(path: string): boolean {
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
