/** Opens the file of a store under its lock: made where there is none, examined, mended. */
import { errorText } from "../errors.ts";
import { damage, isDamage } from "./failure.ts";
import { openKv, readHead } from "./kv_file.ts";
import type { HeldLock } from "./lock.ts";
import { makeStore, mendStore, NOTHING, type StoreMender } from "./mend.ts";
import { identityOf } from "./place.ts";

/** What is to be opened. */
export interface OpenFileOptions {
  readonly path: string;
  readonly held: HeldLock;
  readonly mender: StoreMender | undefined;
  /** Whether to make a store where there is none. */
  readonly mayMake: boolean;
  readonly openKv: typeof Deno.openKv;
}

/** A store that can be used. */
export interface OpenFile {
  readonly kv: Deno.Kv;
  /** Tells the file from others which have its path later. */
  readonly identity: string | undefined;
  readonly clearedBootId: string | undefined;
}

/**
 * Opens the file; `unreadable` when a newer release wrote it for itself.
 * @throws StoreError, or what the mender throws.
 */
export async function openFile(
  options: OpenFileOptions,
): Promise<OpenFile | "absent" | "unreadable"> {
  const { path, held, mender } = options;
  if (identityOf(path) === undefined) {
    if (!options.mayMake) return "absent";
    await makeStore(path, await mender?.recall?.(undefined) ?? NOTHING);
    held.isSuspect = false;
  } else if (held.isSuspect && mender) {
    const seen = await mender.examine(path);
    if (seen !== undefined) await mend(options, seen);
    held.isSuspect = false;
  }
  try {
    return await openUsable(options);
  } catch (error) {
    if (!mender?.recall || !isDamage(error)) throw error;
    await mend(options, errorText(error));
    return await openUsable(options);
  }
}

/** Who fails in it leaves the store to the next one as it was found. */
async function mend({ path, held, mender }: OpenFileOptions, seen: string): Promise<void> {
  held.isSuspect = true;
  if (!mender?.recall) throw damage(`Cannot use the store "${path}": ${seen}`);
  await mendStore(path, await mender.recall(path), seen);
  held.isSuspect = false;
}

async function openUsable(options: OpenFileOptions): Promise<OpenFile | "unreadable"> {
  const { path } = options;
  const identity = identityOf(path);
  using undo = new DisposableStack();
  const kv = undo.use(await openKv(path, options.openKv));
  const { isReadable, clearedBootId } = await readHead(kv, path);
  if (!isReadable) return "unreadable";
  undo.move();
  return { kv, identity, clearedBootId };
}
