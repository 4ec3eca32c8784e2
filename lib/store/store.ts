/**
 * The store: a Deno KV in a directory of its own. The lock is held while the KV is opened, for each
 * transaction, and while it is closed, but not in between: what a caller does to the kernel between
 * two transactions holds up nobody else.
 */
import * as v from "valibot";
import { StoreError } from "../errors.ts";
import { type LockMode, lockPath, withLock } from "./lock.ts";
import { SCHEMA_KEY } from "./keys.ts";
import { parseRecord } from "./record.ts";
import {
  storeFailure,
  type StoreReader,
  type StoreTransaction,
  Transaction,
} from "./transaction.ts";

/** Where a store is, and how long one waits for it. */
export interface StoreOptions {
  /** Made with mode 0700 when absent; `state.kv` lies in it. */
  readonly directory: string;
  /** Folder of the locks, such as `/run/headcni`. */
  readonly runDirectory: string;
  /** 10,000 by default. */
  readonly lockTimeoutMs?: number;
}

/** An open store; dispose of it to close it. */
export interface Store extends AsyncDisposable {
  /** Real path of its directory. */
  readonly directory: string;
  /** False when a newer release wrote it in a way that this one cannot read. */
  readonly isReadable: boolean;
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

/** The format that this release writes, and the oldest release format that can read it. */
const SCHEMA = { version: 1, readableFrom: 1 } as const;

const FILE_NAME = "state.kv";
const DEFAULT_LOCK_TIMEOUT_MS = 10_000;

const StoredSchema = v.object({ version: v.number(), readableFrom: v.number() });

/**
 * Opens the store, or makes it.
 * @throws StoreError: `try-again` when its lock is not to be had, `store-failure` otherwise.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  makePrivateDirectory(options.directory);
  return await openAt(options);
}

/**
 * Opens the store; undefined when there is none.
 * @throws StoreError as {@linkcode openStore}.
 */
export async function openExistingStore(options: StoreOptions): Promise<Store | undefined> {
  return isFile(filePath(options.directory)) ? await openAt(options) : undefined;
}

class KvStore implements Store {
  readonly directory: string;
  readonly isReadable: boolean;
  readonly #kv: Deno.Kv;
  readonly #lock: Lock;

  constructor(directory: string, kv: Deno.Kv, lock: Lock, isReadable: boolean) {
    this.directory = directory;
    this.isReadable = isReadable;
    this.#kv = kv;
    this.#lock = lock;
  }

  read<T>(fn: (reader: StoreReader) => T | Promise<T>): Promise<T> {
    return this.#run("shared", fn);
  }

  write<T>(fn: (tx: StoreTransaction) => T | Promise<T>): Promise<T> {
    return this.#run("exclusive", async (tx) => {
      const value = await fn(tx);
      await tx.commit();
      return value;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // The last one to close moves the write-ahead log into the file: nobody may open it meanwhile.
    await this.#lock("exclusive", () => Promise.resolve(this.#kv.close()));
  }

  async #run<T>(mode: LockMode, fn: (tx: Transaction) => T | Promise<T>): Promise<T> {
    if (!this.isReadable) throw unreadable(this.directory);
    return await this.#lock(
      mode,
      async () => await fn(new Transaction(this.#kv, filePath(this.directory))),
    );
  }
}

/** Holds the lock of one store while `fn` runs. */
type Lock = <T>(mode: LockMode, fn: () => Promise<T>) => Promise<T>;

async function openAt(options: StoreOptions): Promise<Store> {
  const { runDirectory, lockTimeoutMs: timeoutMs = DEFAULT_LOCK_TIMEOUT_MS } = options;
  makePrivateDirectory(runDirectory);
  // However the path is written, the lock is the same.
  const directory = Deno.realPathSync(options.directory);
  const path = lockPath(runDirectory, directory);
  const lock: Lock = (mode, fn) => withLock({ path, timeoutMs }, mode, fn);
  return await lock("exclusive", async () => {
    const kv = await openKv(filePath(directory));
    try {
      return new KvStore(directory, kv, lock, await readSchema(kv, filePath(directory)));
    } catch (error) {
      kv.close();
      throw error;
    }
  });
}

async function openKv(path: string): Promise<Deno.Kv> {
  try {
    // The KV gives its own files the mode of this one.
    if (!isFile(path)) Deno.openSync(path, { create: true, write: true, mode: 0o600 }).close();
    return await Deno.openKv(path);
  } catch (cause) {
    throw storeFailure("open", path, cause);
  }
}

/** True when this release can read the store; marks a new store as of this release. */
async function readSchema(kv: Deno.Kv, path: string): Promise<boolean> {
  const tx = new Transaction(kv, path);
  const stored = await tx.get(SCHEMA_KEY);
  if (stored === undefined) {
    tx.set(SCHEMA_KEY, SCHEMA);
    await tx.commit();
    return true;
  }
  return parseRecord(StoredSchema, stored, `schema of "${path}"`).readableFrom <= SCHEMA.version;
}

function unreadable(directory: string): StoreError {
  return new StoreError(
    "try-again",
    `Cannot use the store "${directory}": a newer release wrote it in a format that this one ` +
      `cannot read; install that release again`,
  );
}

function makePrivateDirectory(directory: string): void {
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw storeFailure("make", directory, cause);
  }
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}

function filePath(directory: string): string {
  return `${directory}/${FILE_NAME}`;
}
