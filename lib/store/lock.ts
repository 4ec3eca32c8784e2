/**
 * The lock of a store: flock(2) on a file of its own below the run directory. It serializes
 * processes, for Deno KV answers `database is locked` as soon as eight open one file at once. The
 * kernel frees it when its holder dies.
 */
import { StoreError } from "../errors.ts";
import { pause } from "../pause.ts";
import { storeFailure } from "./failure.ts";

/** Who else may hold the lock at the same time: nobody, or other readers. */
export type LockMode = "exclusive" | "shared";

/** Longest file name in bytes: NAME_MAX, linux/limits.h. */
const MAX_NAME_BYTES = 255;
const SUFFIX = ".lock";
/** How the name of every store's lock begins: its path is absolute. */
const ROOT = encodeURIComponent("/");

/** A lock file, and how long one waits for it. */
export interface LockOptions {
  readonly path: string;
  readonly timeoutMs: number;
}

/** Path of the lock of a store; its name tells which store. */
export function lockPath(runDirectory: string, storeDirectory: string): string {
  const name = encodeURIComponent(storeDirectory) + SUFFIX;
  if (name.length <= MAX_NAME_BYTES) return `${runDirectory}/${name}`;
  throw new StoreError(
    "store-failure",
    `Cannot lock the store "${storeDirectory}": its path is too long to name a lock file; ` +
      `use a shorter dataDir`,
  );
}

/**
 * Directories of the stores that have a lock below the run directory, without those that are gone:
 * the stores in use since boot.
 */
export function listLockedStores(runDirectory: string): string[] {
  return Array.from(Deno.readDirSync(runDirectory))
    .flatMap(({ name }) => lockedStore(name) ?? [])
    .filter((directory) => !isGone(directory)).sort();
}

/**
 * Runs `fn` while holding the lock.
 * @throws StoreError `try-again` when the lock was not to be had in time.
 */
export async function withLock<T>(
  options: LockOptions,
  mode: LockMode,
  fn: () => Promise<T>,
): Promise<T> {
  // A file of its own for each holder: locks of two tasks of one process exclude each other too.
  const file = openLockFile(options.path);
  await acquire(file, options, mode);
  try {
    return await fn();
  } finally {
    file.close();
  }
}

/** The store that a file is the lock of; undefined for files that are something else. */
function lockedStore(fileName: string): string | undefined {
  if (!fileName.startsWith(ROOT) || !fileName.endsWith(SUFFIX)) return undefined;
  try {
    return decodeURIComponent(fileName.slice(0, -SUFFIX.length));
  } catch {
    return undefined;
  }
}

function isGone(directory: string): boolean {
  try {
    Deno.statSync(directory);
    return false;
  } catch (error) {
    return error instanceof Deno.errors.NotFound;
  }
}

function openLockFile(path: string): Deno.FsFile {
  try {
    return Deno.openSync(path, { create: true, read: true, write: true, mode: 0o600 });
  } catch (cause) {
    throw storeFailure("lock", path, cause);
  }
}

async function acquire(file: Deno.FsFile, options: LockOptions, mode: LockMode): Promise<void> {
  const exclusive = mode === "exclusive";
  const close = () => file.close();
  let locked: Promise<true>;
  try {
    if (file.tryLockSync(exclusive)) return;
    // Waits in a thread of its own: no polling.
    locked = file.lock(exclusive).then(() => true);
    const expired = pause(options.timeoutMs).then(() => false);
    if (await Promise.race([locked, expired])) return;
  } catch (cause) {
    close();
    throw storeFailure("lock", options.path, cause);
  }
  // The thread still waits; what it gets one day is given back at once.
  locked.then(close, close);
  throw new StoreError(
    "try-again",
    `Cannot lock "${options.path}": another process held it for ${options.timeoutMs} ms`,
    { details: "Calls are served one after the other; try again, and see who holds the file" },
  );
}
