/**
 * The lock of a store: flock(2) on a file of its own below the run directory. It serializes
 * processes, for Deno KV answers `database is locked` as soon as eight open one file at once. The
 * kernel frees it when its holder dies. The first byte of the file tells the next holder of that:
 * it is 1 while somebody may be writing. Behind it stands which file is the store's, so that one
 * which somebody put in its place is found.
 *
 * Not solved: one store that is mounted at two paths has two locks. Then only the checks of each
 * commit keep an address from having two owners.
 */
import { StoreError } from "../errors.ts";
import { pause } from "../pause.ts";
import { isDamage, storeFailure } from "./failure.ts";
import { identityOf, identityOfOpen, inodeOf } from "./place.ts";

/** Who else may hold the lock at the same time: nobody, or other readers. */
export type LockMode = "exclusive" | "shared";

/** Longest file name in bytes: NAME_MAX, linux/limits.h. */
const MAX_NAME_BYTES = 255;
const SUFFIX = ".lock";
/** First byte of a lock file: nobody works on the store, and who did came to an end. */
const CLEAN = 0;
/** First byte of a lock file: somebody works on the store, or died of it, or found it damaged. */
const SUSPECT = 1;
/** Behind the first byte: which file is the store's, up to this. */
const END = "\n";
/** More than a lock file ever has: three numbers of at most 20 digits, and what is around them. */
const MAX_STATE_BYTES = 80;
/** How the name of every store's lock begins: its path is absolute. */
const ROOT = encodeURIComponent("/");

/** A lock file, and how long one waits for it. */
export interface LockOptions {
  readonly path: string;
  readonly timeoutMs: number;
}

/** The lock, while it is held. */
export interface HeldLock {
  /**
   * True when the store may be damaged: its last writer did not come to its end, or nobody has
   * worked on it since boot. Stays so for the next holder unless this one sets it to false.
   */
  isSuspect: boolean;
  /**
   * Which file was the store's when an exclusive holder last saw to that, as `identityOf` tells it;
   * undefined when none has since boot. What an exclusive holder sets stays for the next.
   */
  identity: string | undefined;
}

/** Path of the lock of a store; its name tells which store. */
export function lockPath(runDirectory: string, storeDirectory: string): string {
  return runFilePath(runDirectory, storeDirectory, SUFFIX);
}

/**
 * Path of a file about a store below the run directory; its name tells which store.
 * @throws StoreError `store-failure` when the path of the store is too long for that.
 */
export function runFilePath(runDirectory: string, storeDirectory: string, suffix: string): string {
  const name = encodeURIComponent(storeDirectory) + suffix;
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
    .filter((directory) => inodeOf(directory) !== undefined).sort();
}

/**
 * Runs `fn` while holding the lock. When it throws that the store is damaged, the store is suspect
 * for the next holder.
 * @throws StoreError `try-again` when the lock was not to be had in time, or what `fn` throws.
 */
export async function withLock<T>(
  options: LockOptions,
  mode: LockMode,
  fn: (held: HeldLock) => Promise<T>,
): Promise<T> {
  using file = await acquire(options, mode);
  return await runMarked(file, mode, fn);
}

/**
 * Opens the file of a path and waits for flock(2) on it. A file that was deleted or replaced
 * meanwhile keeps nobody out who comes later: then all begins again. Undefined when the lock is not
 * to be had in time.
 * @param open opens the path, anew for each holder: two tasks of one process exclude each other too.
 * @throws an error of Deno, or what `open` throws.
 */
export async function openLocked(
  path: string,
  open: () => Deno.FsFile,
  mode: LockMode,
  timeoutMs: number,
): Promise<Deno.FsFile | undefined> {
  const deadline = performance.now() + timeoutMs;
  for (let waitMs = timeoutMs; waitMs >= 0; waitMs = deadline - performance.now()) {
    const file = open();
    if (!await lockWithin(file, mode, waitMs)) return undefined;
    using undo = new DisposableStack();
    undo.use(file);
    if (identityOf(path) !== identityOfOpen(file)) continue;
    undo.move();
    return file;
  }
  return undefined;
}

/**
 * Waits for flock(2) on an open file. When it is not to be had in time the answer is false, and the
 * file gets closed.
 * @throws an error of Deno; then the file is closed.
 */
export async function lockWithin(
  file: Deno.FsFile,
  mode: LockMode,
  timeoutMs: number,
): Promise<boolean> {
  const exclusive = mode === "exclusive";
  const close = () => file.close();
  try {
    if (file.tryLockSync(exclusive)) return true;
    // Waits in a thread of its own: no polling.
    const locked = file.lock(exclusive).then(() => true);
    const expired = pause(timeoutMs).then(() => false);
    if (await Promise.race([locked, expired])) return true;
    // The thread still waits; what it gets one day is given back at once.
    locked.then(close, close);
    return false;
  } catch (error) {
    close();
    throw error;
  }
}

async function runMarked<T>(
  file: Deno.FsFile,
  mode: LockMode,
  fn: (held: HeldLock) => Promise<T>,
): Promise<T> {
  const found = readState(file);
  const held = { ...found };
  if (mode === "exclusive") writeAt(file, 0, [SUSPECT]);
  try {
    return await fn(held);
  } catch (error) {
    if (isDamage(error)) held.isSuspect = true;
    throw error;
  } finally {
    // The mark comes last: who is killed before it leaves the store suspect.
    if (mode === "exclusive" && held.identity !== found.identity) {
      writeAt(file, 1, new TextEncoder().encode(`${held.identity ?? ""}${END}`));
    }
    if (held.isSuspect) writeAt(file, 0, [SUSPECT]);
    else if (mode === "exclusive") writeAt(file, 0, [CLEAN]);
  }
}

/** A file that was made just now is empty: the run directory is so after boot. */
function readState(file: Deno.FsFile): HeldLock {
  const bytes = new Uint8Array(MAX_STATE_BYTES);
  file.seekSync(0, Deno.SeekMode.Start);
  const length = file.readSync(bytes) ?? 0;
  const [identity = ""] = new TextDecoder().decode(bytes.subarray(1, length)).split(END);
  return { isSuspect: length === 0 || bytes[0] !== CLEAN, identity: identity || undefined };
}

function writeAt(file: Deno.FsFile, offset: number, bytes: ArrayLike<number>): void {
  file.seekSync(offset, Deno.SeekMode.Start);
  file.writeSync(Uint8Array.from(bytes));
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

async function acquire({ path, timeoutMs }: LockOptions, mode: LockMode): Promise<Deno.FsFile> {
  const open = () => Deno.openSync(path, { create: true, read: true, write: true, mode: 0o600 });
  const file = await openLocked(path, open, mode, timeoutMs).catch((cause) => {
    throw storeFailure("lock", path, cause);
  });
  if (file) return file;
  throw new StoreError(
    "try-again",
    `Cannot lock "${path}": another process held it for ${timeoutMs} ms`,
    { details: "Calls are served one after the other; try again, and see who holds the file" },
  );
}
