import { errorText, StoreError } from "../errors.ts";

/**
 * The error for a store that cannot be opened, read or written; its details tell what to do.
 * @param path the file or directory that it is about.
 */
export function storeFailure(action: string, path: string, cause: unknown): StoreError {
  const seen = errorText(cause);
  return new StoreError("store-failure", `Cannot ${action} the store "${path}": ${seen}`, {
    cause,
    details: hintFor(seen, path),
  });
}

/** How SQLite and Deno KV say that the content makes no sense. */
const DAMAGED = /file is not a database|database disk image is malformed|value encoding/i;

/** How SQLite says that nothing can be written, and the kernel as ENOSPC and EDQUOT. */
const FULL = /disk is full|disk I\/O error|No space left on device|Disk quota exceeded/i;

function hintFor(seen: string, path: string): string {
  if (DAMAGED.test(seen)) {
    return `The file is damaged. Let no pod start or stop, and move "${path}" away, with the files ` +
      `beside it whose names begin like that; the next ADD makes a new store. Pods that run keep ` +
      `their links, but the new store does not know their addresses and may give them to others: ` +
      `drain the node first, or restart its pods afterwards`;
  }
  if (FULL.test(seen)) {
    return "The file system is full or fails: free space on it, and look for errors of the disk in " +
      "the log of the kernel";
  }
  return "The store needs a local file system that root can write and that has space left; " +
    "dataDir and HEADCNI_DATA_DIR name its directory";
}
