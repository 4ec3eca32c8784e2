/**
 * Makes the file of a store anew out of what witnesses tell. The new file is made under another name
 * and then takes the place of the old one: whoever is killed meanwhile leaves the old one, with which
 * the next opener begins again, or the new one, which he puts in place.
 */
import { batchesOf } from "../batches.ts";
import { log } from "../log.ts";
import { storeFailure } from "./failure.ts";
import { makeKv, stageSchema } from "./kv_file.ts";
import { type Lease, LEASES_PER_COMMIT } from "./leases.ts";
import { inodeOf } from "./place.ts";
import { restoreUnlessTaken } from "./restore.ts";
import { type OtherRecords, stepsToRestore } from "./salvage.ts";
import { type StoreTransaction, Transaction } from "./transaction.ts";

/** What it takes to find a store damaged, and to make it anew. */
export interface StoreMender {
  /**
   * Examines the file in another process, for a damaged page ends the runtime. Answers what is
   * wrong, undefined for a sound one.
   * @throws StoreError when it cannot be told.
   */
  examine(file: string): Promise<string | undefined>;
  /**
   * What witnesses tell of; without it a damaged store stays as it is.
   * @param damaged file of the store, of which a part may be readable; undefined where there is none.
   */
  recall?(damaged: string | undefined): Promise<Recollection>;
}

/** What a store is made anew from. */
export interface Recollection {
  readonly leases: readonly Lease[];
  /** What else a damaged file still told. */
  readonly others?: OtherRecords;
}

/** Where nobody tells of anything. */
export const NOTHING: Recollection = { leases: [] };

/** What SQLite keeps beside its file: a log of commits, and an index of that. */
const COMPANIONS = ["-wal", "-shm"] as const;

/**
 * Makes a store where there is none.
 * @param recollection what witnesses tell of: somebody may have removed a store that was in use.
 * @throws StoreError `store-failure`; then there still is none.
 */
export async function makeStore(path: string, recollection: Recollection): Promise<void> {
  const count = await makeBeside(path, recollection, stageSchema);
  // What stayed of a store that was removed would be taken for the log of the new one.
  putInPlace(path, asideName(path));
  if (count > 0) log.warn(`Made the store "${path}", which was gone`, { restored: count });
}

/**
 * Makes a damaged store anew; the old file is kept under a name that tells when.
 * @param recollection what witnesses tell of.
 * @param seen what is wrong with it.
 * @throws StoreError `store-failure`; then the damaged one is still there.
 */
export async function mendStore(
  path: string,
  recollection: Recollection,
  seen: string,
): Promise<void> {
  const restored = await makeBeside(path, recollection, (tx) => {
    stageSchema(tx);
    tx.count("rebuilt");
  });
  const aside = asideName(path);
  putInPlace(path, aside);
  log.error(`Made the store "${path}" anew, for it was damaged: ${seen}`, { aside, restored });
}

/**
 * Puts in place what somebody finished who was killed before he came to that: nobody has attached
 * anything since, and the old file, which had more to tell, is set aside already. Where the old one is
 * still there it is mended again.
 * @throws StoreError `store-failure`.
 */
export function takeFinished(path: string): void {
  if (inodeOf(path) !== undefined || inodeOf(finishedName(path)) === undefined) return;
  setAside(path, asideName(path));
  rename(finishedName(path), path);
}

/** Whether somebody makes a file for the path, or was killed over that. */
export function isBeingMade(path: string): boolean {
  return [freshName(path), finishedName(path)].some((name) => inodeOf(name) !== undefined);
}

/** Makes the new file under another name; answers how many leases it has. */
async function makeBeside(
  path: string,
  { leases, others }: Recollection,
  begin: (tx: StoreTransaction) => void,
): Promise<number> {
  const fresh = freshName(path);
  for (const left of [fresh, finishedName(path)]) removeFiles(left);
  try {
    using kv = await makeKv(fresh);
    const first = new Transaction(kv, fresh);
    begin(first);
    await first.commit();
    const restored = await restoreAll(kv, fresh, leases);
    if (others) await takeSteps(kv, fresh, stepsToRestore(others));
    return restored;
  } catch (error) {
    removeFiles(fresh);
    throw error;
  }
}

/** Answers how many leases it restored. */
async function restoreAll(kv: Deno.Kv, path: string, leases: readonly Lease[]): Promise<number> {
  let restored = 0;
  for (const batch of batchesOf(leases, LEASES_PER_COMMIT)) {
    const tx = new Transaction(kv, path);
    for (const lease of batch) if (await restoreUnlessTaken(tx, lease)) restored += 1;
    await tx.commit();
  }
  return restored;
}

/**
 * Takes steps in commits of so many that each can hold theirs.
 * @throws StoreError.
 */
export async function takeSteps(
  kv: Deno.Kv,
  path: string,
  steps: readonly ((tx: StoreTransaction) => unknown)[],
): Promise<void> {
  for (const batch of batchesOf(steps, LEASES_PER_COMMIT)) {
    const tx = new Transaction(kv, path);
    for (const step of batch) await step(tx);
    await tx.commit();
  }
}

function setAside(path: string, aside: string): void {
  // The file first: without it nobody takes what stays beside it for a store.
  for (const suffix of ["", ...COMPANIONS]) {
    if (inodeOf(path + suffix) !== undefined) rename(path + suffix, aside + suffix);
  }
}

function putInPlace(path: string, aside: string): void {
  rename(freshName(path), finishedName(path));
  setAside(path, aside);
  rename(finishedName(path), path);
}

/** A name is written to disk with its directory. */
function rename(from: string, to: string): void {
  try {
    Deno.renameSync(from, to);
    using directory = Deno.openSync(to.slice(0, to.lastIndexOf("/")));
    directory.syncSync();
  } catch (cause) {
    throw storeFailure("move", from, cause);
  }
}

function removeFiles(path: string): void {
  for (const suffix of ["", ...COMPANIONS]) {
    try {
      Deno.removeSync(path + suffix);
    } catch (cause) {
      if (!(cause instanceof Deno.errors.NotFound)) throw storeFailure("remove", path, cause);
    }
  }
}

function freshName(path: string): string {
  return `${path}.mending`;
}

function finishedName(path: string): string {
  return `${path}.mended`;
}

function asideName(path: string): string {
  return `${path}.damaged-${new Date().toISOString().replaceAll(/[-:]/g, "")}`;
}
