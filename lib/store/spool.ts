/**
 * The spool: what could not be written to a store, for the next transaction that can write. It lies
 * below the run directory, in memory: what a reboot makes of leases is another matter.
 */
import * as v from "valibot";
import type { AttachmentKey } from "../attachment.ts";
import { errorText } from "../errors.ts";
import { log } from "../log.ts";
import { parseWith } from "../schema.ts";
import { forgetAttachment } from "./attachments.ts";
import { storeFailure } from "./failure.ts";
import { openLocked, runFilePath } from "./lock.ts";
import { makePrivateDirectory, realPath } from "./place.ts";
import { storedKey } from "./record.ts";
import type { StoreTransaction } from "./transaction.ts";

/** An attachment that is gone, and when that was. */
export interface SpooledRelease {
  readonly release: AttachmentKey;
  readonly bootId: string;
  readonly uptimeMs: number;
}

/** Something that happened: a metric and its labels. */
export interface SpooledCount {
  readonly count: readonly [metric: string, ...labels: string[]];
}

/** One line of a spool. */
export type SpoolEntry = SpooledRelease | SpooledCount;

const SUFFIX = ".spool";
/** A node whose ADDs all fail must not fill its memory with that. */
const MAX_BYTES_FOR_COUNTS = 64 * 1024;
/** Who empties the spool keeps its lock for a commit or two. */
const LOCK_TIMEOUT_MS = 10_000;

const Entry = v.union([
  v.object({
    release: storedKey,
    bootId: v.string(),
    uptimeMs: v.number(),
  }),
  v.object({ count: v.tupleWithRest([v.string()], v.string()) }),
]);

/** Path of the spool of a store. */
export function spoolPath(runDirectory: string, storeDirectory: string): string {
  return runFilePath(runDirectory, storeDirectory, SUFFIX);
}

/**
 * Keeps an entry for later. Releases are always kept, counts only as long as the spool is small.
 * @param directory of the store, which must be there.
 * @throws StoreError `store-failure` when it cannot be kept.
 */
export async function appendSpool(
  runDirectory: string,
  directory: string,
  entry: SpoolEntry,
): Promise<void> {
  makePrivateDirectory(runDirectory);
  const path = spoolPath(runDirectory, realPath(directory));
  await guard("write to", path, async () => {
    using file = await lockSpool(path, { create: true, mode: 0o600 });
    const isLarge = file.statSync().size >= MAX_BYTES_FOR_COUNTS;
    if (isLarge && "count" in entry) return;
    // A line that begins with a line feed is one of its own, even behind one that was cut off.
    const line = new TextEncoder().encode(`\n${JSON.stringify(entry)}\n`);
    if (file.writeSync(line) < line.length) throw new Error("No space left on device");
  });
}

/** Stages what an entry tells. */
export async function stageEntry(tx: StoreTransaction, entry: SpoolEntry): Promise<void> {
  if ("count" in entry) return tx.count(...entry.count);
  const { release, bootId, uptimeMs } = entry;
  await forgetAttachment(tx, release, { bootId, uptimeMs });
  tx.count("spooled");
}

/**
 * Empties the spool of a store. Who is killed after the entries were applied and before they are
 * gone has them applied twice. For a release that is harmless: the lock is still held, so nobody has
 * attached anything under that key since, and what is released is released.
 * @param apply puts the entries into the store; when it throws, the spool stays as it is.
 * @throws StoreError `store-failure`, or what `apply` throws.
 */
export async function drainSpool(
  path: string,
  apply: (entries: readonly SpoolEntry[]) => Promise<void>,
): Promise<void> {
  using file = await guard("open", path, () => lockFilled(path));
  if (!file) return;
  const text = await guard("read", path, () => readText(file));
  await apply(parseSpool(text));
  await guard("empty", path, () => file.truncateSync(0));
}

/** The lock keeps those who add from the one who empties it. */
async function lockSpool(path: string, options: Deno.OpenOptions = {}): Promise<Deno.FsFile> {
  const open = () => Deno.openSync(path, { ...options, read: true, append: true });
  const file = await openLocked(path, open, "exclusive", LOCK_TIMEOUT_MS);
  if (file) return file;
  throw new Error(`another process held its lock for ${LOCK_TIMEOUT_MS} ms`);
}

/** Undefined when there is none, or nothing in it. */
async function lockFilled(path: string): Promise<Deno.FsFile | undefined> {
  try {
    return Deno.statSync(path).size > 0 ? await lockSpool(path) : undefined;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}

/** Reads what is locked, which is not what has its path when somebody deletes it now. */
function readText(file: Deno.FsFile): string {
  const bytes = new Uint8Array(file.statSync().size);
  return new TextDecoder().decode(bytes.subarray(0, file.readSync(bytes) ?? 0));
}

async function guard<T>(action: string, path: string, fn: () => T | Promise<T>): Promise<T> {
  try {
    return await fn();
  } catch (cause) {
    throw storeFailure(`${action} the spool of`, path, cause);
  }
}

/** A line that was cut off, by a kill or a full memory, is no entry. */
function parseSpool(text: string): SpoolEntry[] {
  return text.split("\n").filter((line) => line !== "").flatMap((line) => {
    try {
      return [parseWith(Entry, JSON.parse(line), "spool entry")];
    } catch (error) {
      log.warn(`Cannot read a line of the spool: ${errorText(error)}`, { line });
      return [];
    }
  });
}
