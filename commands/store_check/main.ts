/**
 * Reads the file of a store that may be damaged, in a process of its own: Deno KV ends the whole
 * runtime on some. Prints `started`; then, when it examines, one line of JSON: `{faults}`, or
 * `{error}` when it cannot be told; when it salvages, what can be read, an entry a line, and `ended`.
 * Nothing is closed: whoever started us may be gone, and the file moved away by another, whose
 * new file's log SQLite would then remove.
 */
import { errorText } from "../../lib/errors.ts";
import { isDamage, storeFailure } from "../../lib/store/failure.ts";
import { findFaults } from "../../lib/store/faults.ts";
import { openKv, readHead } from "../../lib/store/kv_file.ts";
import { formatEntry, SALVAGED } from "../../lib/store/salvage.ts";
import { Transaction } from "../../lib/store/transaction.ts";
import { readEntries } from "./entries.ts";

/** Most faults that SQLite lists: one is enough to act on. */
const MAX_FAULTS = 10;

/**
 * Examines the file that the first argument names, or salvages it when the second one is `salvage`.
 * @returns the exit code: 0 once there is an answer.
 */
export async function main([file = "", task]: readonly string[]): Promise<number> {
  console.log("started");
  if (task === "salvage") await salvage(file);
  else console.log(JSON.stringify(await examine(file)));
  return 0;
}

/** A file that is no database has nothing to tell; any other failure may pass. */
async function salvage(file: string): Promise<void> {
  try {
    await readEntries(file, SALVAGED, (entry) => console.log(formatEntry(entry)));
  } catch (cause) {
    const error = storeFailure("salvage", file, cause);
    if (!isDamage(error)) throw error;
  }
  console.log("ended");
}

async function examine(file: string): Promise<{ faults: string[] } | { error: string }> {
  try {
    const faults = await checkPages(file);
    return { faults: faults.length > 0 ? faults : await checkRecords(file) };
  } catch (error) {
    const text = errorText(error);
    return isDamage(error) ? { faults: [text] } : { error: text };
  }
}

/** What SQLite finds: it answers `ok`, or one fault a row. */
async function checkPages(file: string): Promise<string[]> {
  const { DatabaseSync } = await import("node:sqlite");
  try {
    const database = new DatabaseSync(file, { readOnly: true });
    const rows = database.prepare(`PRAGMA quick_check(${MAX_FAULTS})`).all();
    return rows.map((row) => String(row.quick_check)).filter((text) => text !== "ok");
  } catch (cause) {
    throw storeFailure("examine", file, cause);
  }
}

/** What only we can find. Nobody but a newer release knows what it wrote for itself. */
async function checkRecords(file: string): Promise<string[]> {
  const kv = await openKv(file);
  const { isReadable } = await readHead(kv, file);
  if (!isReadable) return [];
  // A process without our lock may write between two reads: what is seen twice is true.
  const faults = await findFaults(new Transaction(kv, file));
  if (faults.length === 0) return [];
  const again = new Set(await findFaults(new Transaction(kv, file)));
  return faults.filter((fault) => again.has(fault));
}
