/** The stores of a node, held open: a transaction on an open store takes a fraction of opening it. */
import type { AttachContext } from "../attach/context.ts";
import { examineStore } from "../delegate/examine.ts";
import { errorText } from "../errors.ts";
import { DEFAULT_STORE_DIRECTORY } from "../store/directory.ts";
import { listLockedStores } from "../store/lock.ts";
import { openExistingStore, type Store } from "../store/store.ts";

/** What could be opened. */
export interface OpenStores {
  readonly stores: readonly Store[];
  /** Why others could not, one text each. */
  readonly unread: readonly string[];
}

/** Where stores are looked for, and how long one waits for the lock of each. */
export interface StoresContext
  extends Pick<AttachContext, "runDirectory" | "dataDirectory" | "self"> {
  readonly lockTimeoutMs?: number;
}

/** The stores that are there; dispose of them to close them. */
export class NodeStores implements AsyncDisposable {
  readonly #context: StoresContext;
  /** By the real path of their directory. */
  readonly #open = new Map<string, Store>();
  /** What was asked last: one after the other, or two loops would open a store twice. */
  #last: Promise<unknown> = Promise.resolve();
  #users = 0;
  #isInDoubt = false;

  constructor(context: StoresContext) {
    this.#context = context;
  }

  /**
   * Gives all stores in use since boot, and that of the settings. Those that came are opened, which
   * examines one that is in doubt. To make one anew is left to the next ADD or DEL. One that cannot be
   * used is in the way of no other. After a failure all are opened anew as soon as nobody uses them:
   * one that was replaced is no use any more.
   * @throws what `fn` throws.
   */
  async use<T>(fn: (open: OpenStores) => Promise<T>): Promise<T> {
    const open = await this.#inTurn(() => {
      this.#users++;
      return this.#openAll();
    });
    try {
      return await fn(open);
    } catch (error) {
      this.#isInDoubt = true;
      throw error;
    } finally {
      this.#users--;
      await this.#inTurn(async () => {
        if (this.#isInDoubt && this.#users === 0) await this.#close();
      });
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#inTurn(() => this.#close());
  }

  async #close(): Promise<void> {
    const stores = [...this.#open.values()];
    this.#open.clear();
    this.#isInDoubt = false;
    for (const store of stores) await store[Symbol.asyncDispose]();
  }

  async #openAll(): Promise<OpenStores> {
    const { runDirectory, self, lockTimeoutMs } = this.#context;
    const mender = { examine: (file: string) => examineStore(self, file) };
    const unread: string[] = [];
    for (const directory of listStores(this.#context)) {
      if (this.#open.has(directory)) continue;
      try {
        const store = await openExistingStore({
          ...{ directory, runDirectory, mender },
          ...lockTimeoutMs !== undefined && { lockTimeoutMs },
        });
        if (store) this.#open.set(directory, store);
      } catch (error) {
        unread.push(errorText(error));
      }
    }
    return { stores: [...this.#open.values()], unread };
  }

  #inTurn<T>(fn: () => Promise<T>): Promise<T> {
    const turn = this.#last.then(fn);
    this.#last = turn.catch(() => {});
    return turn;
  }
}

/**
 * Folders of all stores in use since boot, and of that of the settings, as far as they are there.
 * @throws an error of Deno when the run directory cannot be listed.
 */
export function listStores(
  { runDirectory, dataDirectory = DEFAULT_STORE_DIRECTORY }: Omit<StoresContext, "self">,
): string[] {
  const directories = [dataDirectory, ...listLocked(runDirectory)].flatMap(realPathOf);
  return [...new Set(directories)];
}

/** None before anything has run since boot. */
function listLocked(runDirectory: string): string[] {
  try {
    return listLockedStores(runDirectory);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** None when there is no such directory. */
function realPathOf(directory: string): string[] {
  try {
    return [Deno.realPathSync(directory)];
  } catch {
    return [];
  }
}
