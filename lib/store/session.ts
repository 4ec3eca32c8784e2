/** An open store: what its transactions have in common. */
import { batchesOf } from "../batches.ts";
import { StoreError } from "../errors.ts";
import { log } from "../log.ts";
import type { Ballast } from "./ballast.ts";
import { damage } from "./failure.ts";
import { LEASES_PER_COMMIT } from "./leases.ts";
import type { HeldLock, LockMode } from "./lock.ts";
import type { StoreMender } from "./mend.ts";
import type { OpenFile } from "./open_file.ts";
import { identityOf } from "./place.ts";
import { drainSpool, type SpoolEntry, stageEntry } from "./spool.ts";
import type { Store } from "./store.ts";
import { type StoreReader, type StoreTransaction, Transaction } from "./transaction.ts";

/** Holds the lock of one store while `fn` runs. */
export type HoldLock = <T>(mode: LockMode, fn: (held: HeldLock) => Promise<T>) => Promise<T>;

/** What a session works with. */
export interface SessionParts extends OpenFile {
  /** Real path of the store. */
  readonly directory: string;
  /** Path of the KV in it. */
  readonly path: string;
  /** Path of the spool. */
  readonly spool: string;
  readonly hold: HoldLock;
  readonly ballast: Ballast;
  readonly mender: StoreMender | undefined;
}

/** A store that is open. */
export class Session implements Store {
  readonly #parts: SessionParts;

  constructor(parts: SessionParts) {
    this.#parts = parts;
  }

  get directory(): string {
    return this.#parts.directory;
  }

  get clearedBootId(): string | undefined {
    return this.#parts.clearedBootId;
  }

  read<T>(fn: (reader: StoreReader) => T | Promise<T>): Promise<T> {
    return this.#hold("shared", () => this.#run(fn, this.#begin()));
  }

  write<T>(fn: (tx: StoreTransaction) => T | Promise<T>): Promise<T> {
    return this.#hold("exclusive", async () => {
      await drainSpool(this.#parts.spool, (entries) => this.#apply(entries));
      const tx = this.#begin();
      const value = await this.#run(fn, tx);
      await this.#commit(tx);
      // Where the lock file was deleted: what is committed to a file that nobody opens any more is lost.
      this.#requireCurrent();
      return value;
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      // The last one to close moves the log into the file, and nobody may open it meanwhile.
      await this.#parts.hold("exclusive", () => Promise.resolve(this.#close()));
    } catch (error) {
      // What was done is committed: the caller has not failed.
      log.warn("Closed the store out of turn", { error });
      this.#close();
    }
  }

  /** What a session has open must be what everybody else opens, and sound. */
  #hold<T>(mode: LockMode, fn: () => Promise<T>): Promise<T> {
    const { hold, path, mender } = this.#parts;
    return hold(mode, async (held) => {
      this.#requireCurrent();
      if (held.isSuspect && mender) {
        const seen = await mender.examine(path);
        // It is mended by the next who opens it, for nobody may mend what he has open himself.
        if (seen !== undefined) throw damage(`Cannot use the store "${path}": ${seen}`);
        held.isSuspect = false;
      }
      return await fn();
    });
  }

  async #run<T>(fn: (tx: Transaction) => T | Promise<T>, tx: Transaction): Promise<T> {
    try {
      return await fn(tx);
    } catch (error) {
      throw await tx.explain(error);
    }
  }

  /** In commits of their own, for the transaction that follows may come to nothing. */
  async #apply(entries: readonly SpoolEntry[]): Promise<void> {
    for (const batch of batchesOf(entries, LEASES_PER_COMMIT)) {
      const tx = this.#begin();
      for (const entry of batch) await stageEntry(tx, entry);
      await this.#commit(tx);
    }
    log.info(`Wrote to the store "${this.directory}" what had no space before`, {
      entries: entries.length,
    });
  }

  #commit(tx: Transaction): Promise<void> {
    const { ballast } = this.#parts;
    return ballast.relieve(() => {
      if (ballast.takeEvent()) tx.count("ballast");
      return tx.commit();
    });
  }

  #begin(): Transaction {
    return new Transaction(this.#parts.kv, this.#parts.path);
  }

  #requireCurrent(): void {
    if (!this.#isReplaced()) return;
    throw new StoreError(
      "try-again",
      `Cannot use the store "${this.#parts.path}": it was made anew meanwhile`,
    );
  }

  #isReplaced(): boolean {
    return identityOf(this.#parts.path) !== this.#parts.identity;
  }

  #close(): void {
    // SQLite would remove what lies beside the path, and that is the log of another file now.
    if (!this.#isReplaced()) this.#parts.kv.close();
  }
}
