/** Opens the file of a store under its lock: made where there is none, examined, mended. */
import { errorText } from "../errors.ts";
import { damage, isDamage } from "./failure.ts";
import { openKv, readHead } from "./kv_file.ts";
import type { HeldLock } from "./lock.ts";
import {
  makeStore,
  mendStore,
  NOTHING,
  type StoreMender,
  takeFinished,
  takeSteps,
} from "./mend.ts";
import { mergeLeases } from "./merge.ts";
import { identityOf } from "./place.ts";
import { stepsToRestore } from "./salvage.ts";

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
  takeFinished(path);
  const found = identityOf(path);
  if (found === undefined) {
    if (!options.mayMake) return "absent";
    const recollection = await mender?.recall?.(undefined) ?? NOTHING;
    await putFile(options, () => makeStore(path, recollection));
    held.isSuspect = false;
  } else {
    // A copy of a file that was in use meanwhile may be torn.
    if (held.identity !== undefined && held.identity !== found) held.isSuspect = true;
    if (held.isSuspect && mender) {
      const seen = await mender.examine(path);
      if (seen !== undefined) await mend(options, seen);
      held.isSuspect = false;
    }
  }
  const opened = await openSound(options);
  if (typeof opened !== "string") await acknowledge(options, opened);
  return opened;
}

/** Mends what turns out to be damaged when it is opened. */
async function openSound(options: OpenFileOptions): Promise<OpenFile | "unreadable"> {
  try {
    return await openUsable(options);
  } catch (error) {
    if (!options.mender?.recall || !isDamage(error)) throw error;
    await mend(options, errorText(error));
    return await openUsable(options);
  }
}

/** Who fails in it leaves the store to the next one as it was found. */
async function mend(options: OpenFileOptions, seen: string): Promise<void> {
  const { path, held, mender } = options;
  held.isSuspect = true;
  if (!mender?.recall) throw damage(`Cannot use the store "${path}": ${seen}`);
  const recollection = await mender.recall(path);
  await putFile(options, () => mendStore(path, recollection, seen));
  held.isSuspect = false;
}

/**
 * Runs what puts a new file in place. Whether or not it then comes to its end, the new file is made
 * of all that witnesses tell: the next holder must not take it for somebody's copy. A holder who is
 * killed here leaves it to be merged once more, which changes nothing.
 */
async function putFile(options: OpenFileOptions, put: () => Promise<void>): Promise<void> {
  const { path, held } = options;
  const before = identityOf(path);
  try {
    await put();
  } finally {
    const after = identityOf(path);
    // Where there is no file now, the next one that is there is unknown.
    if (after !== undefined && after !== before) held.identity = identityFor(options, after);
  }
}

/** What is made by somebody who cannot recall lacks what witnesses tell, like a stranger's copy. */
function identityFor({ held, mender }: OpenFileOptions, made: string): string {
  return mender && !mender.recall ? held.identity ?? "incomplete" : made;
}

/**
 * Makes a file that somebody else put in place one that can be trusted: a copy of yesterday does not
 * know the pods of today, and would give their addresses away. The lock file remembers which file is
 * ours from one hold to the next. It needs no more than this:
 * - Only we put files in place, in {@linkcode putFile}; opening, writing and closing the KV, even as
 *   the last one, keep the file that is there. A session that finds another one fails and
 *   acknowledges nothing.
 * - After boot there is no lock file. The pods of this boot are all attached after that, so the file
 *   lacks none of them, whichever it is: it is taken as ours.
 * - Who cannot recall leaves the old one remembered, and all this to the next.
 */
async function acknowledge(options: OpenFileOptions, { kv, identity }: OpenFile): Promise<void> {
  const { path, held, mender } = options;
  if (held.identity !== undefined && held.identity !== identity) {
    if (!mender?.recall) return;
    using undo = new DisposableStack();
    undo.use(kv);
    const { leases, others } = await mender.recall(undefined);
    await mergeLeases(kv, path, leases);
    if (others) await takeSteps(kv, path, stepsToRestore(others));
    undo.move();
  }
  held.identity = identity;
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
