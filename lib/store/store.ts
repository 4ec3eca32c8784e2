/**
 * The store: a Deno KV in a directory of its own. The lock is held while the KV is opened, for each
 * transaction, and while it is closed, but not in between: what a caller does to the kernel between
 * two transactions holds up nobody else.
 */
import * as v from "valibot";
import { StoreError } from "../errors.ts";
import { log } from "../log.ts";
import { storeFailure } from "./failure.ts";
import { BOOT_KEY, SCHEMA_KEY } from "./keys.ts";
import type { Lease } from "./leases.ts";
import { type LockMode, lockPath, withLock } from "./lock.ts";
import { parseRecord } from "./record.ts";
import { type StoreReader, type StoreTransaction, Transaction } from "./transaction.ts";

/** Where a store is, and how long one waits for it. */
export interface StoreOptions {
  /** Made with mode 0700 when absent; `state.kv` lies in it. */
  readonly directory: string;
  /** Folder of the locks, such as `/run/headcni`. */
  readonly runDirectory: string;
  /** 10,000 by default. */
  readonly lockTimeoutMs?: number;
  /** On a full disk the ballast may be given up, for the sake of what frees something: DEL and GC. */
  readonly mayUseBallast?: boolean;
  /** Who makes a damaged store anew; without one it stays as it is. */
  readonly mender?: StoreMender;
}

/** What it takes to make a damaged store anew. */
export interface StoreMender {
  /**
   * Examines the file in another process, for a damaged page ends the runtime. Answers what is
   * wrong, undefined for a sound one.
   * @throws StoreError when it cannot be told.
   */
  examine(file: string): Promise<string | undefined>;
  /** Leases that witnesses outside of the store tell of. */
  recall(): Promise<readonly Lease[]>;
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

/** The format that this release writes, and the oldest release format that can read it. */
const SCHEMA = { version: 1, readableFrom: 1 } as const;

const FILE_NAME = "state.kv";
const DEFAULT_LOCK_TIMEOUT_MS = 10_000;

const StoredSchema = v.object({ version: v.number(), readableFrom: v.number() });

/**
 * Opens the store, or makes it.
 * @throws StoreError: `try-again` when its lock is not to be had, or a newer release wrote it in a
 * way that this one cannot read; `store-failure` otherwise.
 */
export async function openStore(options: StoreOptions): Promise<Store> {
  makePrivateDirectory(options.directory);
  const store = await openReadable(options);
  if (store) return store;
  throw new StoreError("try-again", unreadableText(options.directory));
}

/**
 * Opens the store for those who have nothing to do where there is none. What a newer release wrote
 * for itself counts as none: the log says so, and that release will see to it.
 * @throws StoreError as {@linkcode openStore}.
 */
export async function openExistingStore(options: StoreOptions): Promise<Store | undefined> {
  if (!isPresent(filePath(options.directory))) return undefined;
  const store = await openReadable(options);
  if (!store) log.warn(unreadableText(options.directory));
  return store;
}

/** Stages a write that changes nothing: it fails when the store cannot be written. */
export async function probeWrite(tx: StoreTransaction): Promise<void> {
  tx.set(SCHEMA_KEY, await tx.get(SCHEMA_KEY));
}

class KvStore implements Store {
  readonly directory: string;
  readonly clearedBootId: string | undefined;
  readonly #kv: Deno.Kv;
  readonly #lock: Lock;

  constructor(directory: string, kv: Deno.Kv, lock: Lock, clearedBootId: string | undefined) {
    this.directory = directory;
    this.clearedBootId = clearedBootId;
    this.#kv = kv;
    this.#lock = lock;
  }

  read<T>(fn: (reader: StoreReader) => T | Promise<T>): Promise<T> {
    return this.#lock("shared", async () => await fn(this.#begin()));
  }

  write<T>(fn: (tx: StoreTransaction) => T | Promise<T>): Promise<T> {
    return this.#lock("exclusive", async () => {
      const tx = this.#begin();
      const value = await fn(tx);
      await tx.commit();
      return value;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      // The last one to close moves the log into the file, and nobody may open it meanwhile.
      await this.#lock("exclusive", () => Promise.resolve(this.#kv.close()));
    } catch (error) {
      // What was done is committed: the caller has not failed.
      log.warn("Closed the store out of turn", { error });
      this.#kv.close();
    }
  }

  #begin(): Transaction {
    return new Transaction(this.#kv, filePath(this.directory));
  }
}

/** Holds the lock of one store while `fn` runs. */
type Lock = <T>(mode: LockMode, fn: () => Promise<T>) => Promise<T>;

/** Undefined when a newer release wrote the store in a way that this one cannot read. */
async function openReadable(options: StoreOptions): Promise<Store | undefined> {
  const { runDirectory, lockTimeoutMs: timeoutMs = DEFAULT_LOCK_TIMEOUT_MS } = options;
  makePrivateDirectory(runDirectory);
  // However the path is written, the lock is the same.
  const directory = realPath(options.directory);
  const path = lockPath(runDirectory, directory);
  const lock: Lock = (mode, fn) => withLock({ path, timeoutMs }, mode, fn);
  // Deno loads its KV when it is first asked for: 3 ms for which nobody else should have to wait.
  const open = Deno.openKv;
  return await lock("exclusive", async () => {
    const kv = await openKv(filePath(directory), open);
    await using undo = new AsyncDisposableStack();
    undo.defer(() => kv.close());
    const head = await readHead(kv, filePath(directory));
    if (!head.isReadable) return undefined;
    undo.move();
    return new KvStore(directory, kv, lock, head.clearedBootId);
  });
}

async function openKv(path: string, open: typeof Deno.openKv): Promise<Deno.Kv> {
  const isNew = !isPresent(path);
  try {
    // The KV gives its own files the mode of this one.
    if (isNew) Deno.openSync(path, { create: true, write: true, mode: 0o600 }).close();
    return await open(path);
  } catch (cause) {
    throw storeFailure("open", path, cause);
  }
}

/** What is read of a store before it is used. */
interface Head {
  readonly isReadable: boolean;
  readonly clearedBootId: string | undefined;
}

/** Marks a new store as of this release. */
async function readHead(kv: Deno.Kv, path: string): Promise<Head> {
  const tx = new Transaction(kv, path);
  const [stored, boot] = await tx.getMany([SCHEMA_KEY, BOOT_KEY]);
  if (stored === undefined) {
    tx.set(SCHEMA_KEY, SCHEMA);
    await tx.commit();
  }
  const schema = parseRecord(StoredSchema, stored ?? SCHEMA, `schema of "${path}"`);
  return {
    isReadable: schema.readableFrom <= SCHEMA.version,
    clearedBootId: typeof boot === "string" ? boot : undefined,
  };
}

function unreadableText(directory: string): string {
  return `Cannot use the store "${directory}": a newer release wrote it in a format that this one ` +
    `does not know; install that release again`;
}

function realPath(directory: string): string {
  try {
    return Deno.realPathSync(directory);
  } catch (cause) {
    throw storeFailure("find", directory, cause);
  }
}

function makePrivateDirectory(directory: string): void {
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw storeFailure("make", directory, cause);
  }
}

function isPresent(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return false;
    throw storeFailure("find", path, cause);
  }
}

function filePath(directory: string): string {
  return `${directory}/${FILE_NAME}`;
}
