/**
 * The store: a Deno KV in a directory of its own. The lock is held while the KV is opened, for each
 * transaction, and while it is closed, but not in between: what a caller does to the kernel between
 * two transactions holds up nobody else. A store that was left in the middle of something is examined
 * first; a damaged one is made anew when it is opened.
 */
import { StoreError } from "../errors.ts";
import { log } from "../log.ts";
import { Ballast } from "./ballast.ts";
import { SCHEMA_KEY } from "./keys.ts";
import { lockPath, withLock } from "./lock.ts";
import { isBeingMade, type StoreMender } from "./mend.ts";
import { openFile } from "./open_file.ts";
import { inodeOf, kvPath, makePrivateDirectory, realPath } from "./place.ts";
import { type HoldLock, Session } from "./session.ts";
import { spoolPath } from "./spool.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/** Where a store is, how long one waits for it, and who sees to one that is damaged. */
export interface StoreOptions {
  /** Made with mode 0700 when absent; `state.kv` lies in it. */
  readonly directory: string;
  /** Folder of the locks, such as `/run/headcni`. */
  readonly runDirectory: string;
  /** 10,000 by default. */
  readonly lockTimeoutMs?: number;
  /** On a full disk the ballast may be given up, for the sake of what frees something: DEL and GC. */
  readonly mayUseBallast?: boolean;
  /** Who examines a store in doubt and makes a damaged one anew; without one it stays as it is. */
  readonly mender?: StoreMender;
}

/** Where a store is, and its lock. */
export interface StorePlace {
  /** Real path of its directory. */
  readonly directory: string;
  /** Path of the KV in it. */
  readonly path: string;
  readonly hold: HoldLock;
}

/** An open store; dispose of it to close it. */
export interface Store extends AsyncDisposable {
  /** Real path of its directory. */
  readonly directory: string;
  /** The boot in which what earlier boots left was last cleared away, as it was at opening. */
  readonly clearedBootId: string | undefined;
  /**
   * Reads while nobody writes.
   * @throws StoreError, or what `fn` throws.
   */
  read<T>(fn: (reader: StoreReader) => T | Promise<T>): Promise<T>;
  /**
   * Reads, then commits what `fn` staged, at once. When `fn` throws, nothing is written.
   * @throws StoreError, or what `fn` throws.
   */
  write<T>(fn: (tx: StoreTransaction) => T | Promise<T>): Promise<T>;
}

const DEFAULT_LOCK_TIMEOUT_MS = 10_000;

/**
 * Opens the store, or makes it.
 * @throws StoreError: `try-again` when its lock is not to be had, or a newer release wrote it in a
 * way that this one cannot read; `store-damaged` when there is no mender; `store-failure` otherwise.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  makePrivateDirectory(options.directory);
  const store = await open(options, true);
  if (store instanceof Session) return store;
  throw new StoreError("try-again", unreadableText(options.directory));
}

/**
 * Opens the store for those who have nothing to do where there is none. What a newer release wrote
 * for itself counts as none: the log says so, and that release will see to it.
 * @throws StoreError as {@linkcode openStore}.
 */
export async function openExistingStore(options: StoreOptions): Promise<Store | undefined> {
  const path = kvPath(options.directory);
  if (inodeOf(path) === undefined && !isBeingMade(path)) return undefined;
  const store = await open(options, false);
  if (store instanceof Session) return store;
  if (store === "unreadable") log.warn(unreadableText(options.directory));
  return undefined;
}

/**
 * Finds the place of a store, whose directory must be there.
 * @throws StoreError `store-failure`.
 */
export function locateStore(
  options: Pick<StoreOptions, "directory" | "runDirectory" | "lockTimeoutMs">,
): StorePlace {
  const { runDirectory, lockTimeoutMs: timeoutMs = DEFAULT_LOCK_TIMEOUT_MS } = options;
  makePrivateDirectory(runDirectory);
  const directory = realPath(options.directory);
  const lock = { path: lockPath(runDirectory, directory), timeoutMs };
  const hold: HoldLock = (mode, fn) => withLock(lock, mode, fn);
  return { directory, path: kvPath(directory), hold };
}

/** Stages a write that changes nothing: it fails when the store cannot be written. */
export async function probeWrite(tx: StoreTransaction): Promise<void> {
  tx.set(SCHEMA_KEY, await tx.get(SCHEMA_KEY));
}

async function open(
  options: StoreOptions,
  mayMake: boolean,
): Promise<Session | "absent" | "unreadable"> {
  const { runDirectory, mender } = options;
  const { directory, path, hold } = locateStore(options);
  const ballast = new Ballast(directory, options.mayUseBallast ?? false);
  // Deno loads its KV when it is first asked for: 3 ms for which nobody else should have to wait.
  const openKv = Deno.openKv;
  return await hold("exclusive", async (held) => {
    const opened = await ballast.relieve(() => openFile({ path, held, mender, mayMake, openKv }));
    if (typeof opened === "string") return opened;
    if (mayMake && !options.mayUseBallast) ballast.restore();
    const spool = spoolPath(runDirectory, directory);
    return new Session({ ...opened, directory, path, hold, ballast, spool, mender });
  });
}

function unreadableText(directory: string): string {
  return `Cannot use the store "${directory}": a newer release wrote it in a format that this one ` +
    `does not know; install that release again`;
}
