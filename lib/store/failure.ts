import { errorText, StoreError } from "../errors.ts";

/**
 * The error for a store that cannot be opened, read or written: `store-damaged` when its content
 * makes no sense, `try-again` when somebody else works on it without our lock, `store-failure`
 * otherwise. Its details tell what to do.
 * @param path the file or directory that it is about.
 */
export function storeFailure(action: string, path: string, cause: unknown): StoreError {
  const seen = errorText(cause);
  const text = `Cannot ${action} the store "${path}": ${seen}`;
  if (DAMAGED.test(seen)) return damage(text, { cause });
  if (BUSY.test(seen)) return new StoreError("try-again", text, { cause, details: BUSY_HINT });
  const details = FULL.test(seen) ? FULL_HINT : PLACE_HINT;
  return new StoreError("store-failure", text, { cause, details });
}

/** The error for content of a store that makes no sense. */
export function damage(text: string, options?: ErrorOptions): StoreError {
  return new StoreError("store-damaged", text, { ...options, details: DAMAGE_HINT });
}

/** Whether an error says that the content of the store makes no sense. */
export function isDamage(error: unknown): boolean {
  return error instanceof StoreError && error.reason === "store-damaged";
}

/** Whether an error says that there is no space left to write to. */
export function isFull(error: unknown): boolean {
  return error instanceof StoreError && FULL.test(error.message);
}

/** How SQLite and Deno KV say that the content makes no sense. */
const DAMAGED = new RegExp(
  [
    "file is not a database",
    "database disk image is malformed",
    "malformed database schema",
    "unsupported file format",
    "no such (table|column)",
    "value encoding",
    "non-U64 value",
  ].join("|"),
  "i",
);

/** How SQLite says that another process is at work: ours wait for each other before that. */
const BUSY = /database is locked/i;

/** How SQLite says that nothing can be written, and the kernel as ENOSPC and EDQUOT. */
const FULL = /disk is full|disk I\/O error|No space left on device|Disk quota exceeded/i;

const DAMAGE_HINT =
  "The next ADD or DEL sets the damaged file aside and makes the store anew from " +
  "the links of the pods that run, from what can still be read, and from what the container " +
  "runtime remembers";

const BUSY_HINT =
  "Another process has the file open without our lock, or the lock file was deleted; " +
  "try again, and see who holds the file";

const FULL_HINT =
  "The file system is full or fails: free space on it, and look for errors of the " +
  "disk in the log of the kernel";

const PLACE_HINT = "The store needs a local file system that root can write and that has space " +
  "left; dataDir and HEADCNI_DATA_DIR name its directory";
