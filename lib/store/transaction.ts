/**
 * One transaction: reads go to the KV once and are remembered, writes are staged, and everything
 * is committed at once. The commit checks that what was read and written did not change meanwhile:
 * the lock sees to that, but a lock file can be deleted, and an address must not have two owners.
 */
import { batchesOf } from "../batches.ts";
import { StoreError } from "../errors.ts";
import { isDamage, storeFailure } from "./failure.ts";
import { counterKey } from "./keys.ts";

/** What can be asked of the store. */
export interface StoreReader {
  /** The value at the key, staged changes included, or undefined. */
  get(key: Deno.KvKey): Promise<unknown>;
  /** The values at the keys in one round trip for each ten, undefined where there is none. */
  getMany(keys: readonly Deno.KvKey[]): Promise<unknown[]>;
  /**
   * Entries below the prefix in the order of their keys, as they were before this transaction: all,
   * or the first `limit` ones.
   */
  list(prefix: Deno.KvKey, options?: { readonly limit?: number }): Promise<StoreEntry[]>;
}

/** A reader that can also stage changes. */
export interface StoreTransaction extends StoreReader {
  set(key: Deno.KvKey, value: unknown): void;
  delete(key: Deno.KvKey): void;
  /** Adds 1 to the counter of a metric and its labels, in the same commit. */
  count(metric: string, ...labels: string[]): void;
  /** {@linkcode count} of a whole number that is not negative. */
  add(amount: number, metric: string, ...labels: string[]): void;
}

/** A stored value. */
export interface StoreEntry {
  readonly key: Deno.KvKey;
  readonly value: unknown;
}

/** Most keys of one `getMany`, a limit of Deno KV. */
const MAX_KEYS_PER_READ = 10;

/** What is known of a key. */
interface Known {
  readonly key: Deno.KvKey;
  /** Undefined: nothing is stored there, or it is to be deleted. */
  readonly value: unknown;
  /** Version that was read: null for no value, undefined when it was not read. */
  readonly versionstamp: string | null | undefined;
  readonly staged: boolean;
}

/** A transaction on an open KV. */
export class Transaction implements StoreTransaction {
  readonly #kv: Deno.Kv;
  /** File of the KV, for error texts. */
  readonly #path: string;
  readonly #known = new Map<string, Known>();
  readonly #counts = new Map<string, { readonly key: Deno.KvKey; readonly times: number }>();

  constructor(kv: Deno.Kv, path: string) {
    this.#kv = kv;
    this.#path = path;
  }

  async get(key: Deno.KvKey): Promise<unknown> {
    const [value] = await this.getMany([key]);
    return value;
  }

  async getMany(keys: readonly Deno.KvKey[]): Promise<unknown[]> {
    const unread = keys.filter((key) => !this.#known.has(keyText(key)));
    for (const batch of batchesOf(unread, MAX_KEYS_PER_READ)) {
      const entries = await this.#guard("read", () => this.#kv.getMany(batch));
      for (const { key, value, versionstamp } of entries) {
        const known = { key, value: value ?? undefined, versionstamp, staged: false };
        this.#known.set(keyText(key), known);
      }
    }
    return keys.map((key) => this.#known.get(keyText(key))?.value);
  }

  list(prefix: Deno.KvKey, options: { readonly limit?: number } = {}): Promise<StoreEntry[]> {
    const entries = () => this.#kv.list({ prefix }, options);
    return this.#guard(
      "read",
      () => Array.fromAsync(entries(), ({ key, value }) => ({ key, value })),
    );
  }

  set(key: Deno.KvKey, value: unknown): void {
    const versionstamp = this.#known.get(keyText(key))?.versionstamp;
    this.#known.set(keyText(key), { key, value, versionstamp, staged: true });
  }

  delete(key: Deno.KvKey): void {
    this.set(key, undefined);
  }

  count(metric: string, ...labels: string[]): void {
    this.add(1, metric, ...labels);
  }

  add(amount: number, metric: string, ...labels: string[]): void {
    const key = counterKey(metric, ...labels);
    const times = this.#counts.get(keyText(key))?.times ?? 0;
    this.#counts.set(keyText(key), { key, times: times + amount });
  }

  /**
   * Writes all staged changes or none of them.
   * @throws StoreError `store-failure`, or `try-again` when somebody wrote without our lock.
   */
  async commit(): Promise<void> {
    const staged = Array.from(this.#known.values()).filter((known) => known.staged);
    if (staged.length + this.#counts.size === 0) return;
    const outcome = await this.#guard("write", () => {
      const operation = this.#kv.atomic();
      for (const { key, value, versionstamp } of staged) {
        if (versionstamp !== undefined) operation.check({ key, versionstamp });
        if (value === undefined) operation.delete(key);
        else operation.set(key, value);
      }
      for (const { key, times } of this.#counts.values()) operation.sum(key, BigInt(times));
      return operation.commit();
    });
    if (!outcome.ok) throw this.#outdated();
  }

  /**
   * Explains why the store seems to be damaged: what was read before and after somebody wrote
   * without our lock need not fit together.
   * @returns `try-again` when that was so, otherwise the error as it was.
   */
  async explain(error: unknown): Promise<unknown> {
    return isDamage(error) && await this.#hasChanged() ? this.#outdated(error) : error;
  }

  /** Whether anything that was read is another by now. */
  async #hasChanged(): Promise<boolean> {
    const read = Array.from(this.#known.values())
      .filter(({ versionstamp }) => versionstamp !== undefined);
    for (const batch of batchesOf(read, MAX_KEYS_PER_READ)) {
      const now = await this.#guard("read", () => this.#kv.getMany(batch.map(({ key }) => key)));
      if (batch.some(({ versionstamp }, i) => now[i]?.versionstamp !== versionstamp)) return true;
    }
    return false;
  }

  #outdated(cause?: unknown): StoreError {
    return new StoreError(
      "try-again",
      `Cannot use the store "${this.#path}": it was changed by a process that did not hold our lock`,
      { cause },
    );
  }

  async #guard<T>(action: string, fn: () => Promise<T>): Promise<T> {
    try {
      return await fn();
    } catch (cause) {
      throw storeFailure(action, this.#path, cause);
    }
  }
}

/** The key as text, different for different keys. */
function keyText(key: Deno.KvKey): string {
  const parts = key.map((part) =>
    part instanceof Uint8Array ? `bytes:${part.toHex()}` : `${typeof part}:${String(part)}`
  );
  return JSON.stringify(parts);
}
