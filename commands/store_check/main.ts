/**
 * Examines the file of a store, in a process of its own: Deno KV ends the whole runtime on some
 * damaged files. Prints `started`, then one line of JSON: `{faults}`, or `{error}` when it cannot be
 * told. Nothing is closed: whoever started us may be gone, and the file moved away by another, whose
 * new file's log SQLite would then remove.
 */
import { errorText } from "../../lib/errors.ts";
import { isDamage, storeFailure } from "../../lib/store/failure.ts";
import { findFaults } from "../../lib/store/faults.ts";
import { openKv, readHead } from "../../lib/store/kv_file.ts";
import { Transaction } from "../../lib/store/transaction.ts";

/** Most faults that SQLite lists: one is enough to act on. */
const MAX_FAULTS = 10;

/**
 * Examines the file that the one argument names.
 * @returns the exit code: 0 once there is a verdict.
 */
export async function main([file = ""]: readonly string[]): Promise<number> {
  console.log("started");
  console.log(JSON.stringify(await examine(file)));
  return 0;
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
  return isReadable ? await findFaults(new Transaction(kv, file)) : [];
}
