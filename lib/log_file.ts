/**
 * A log that several processes append to and that does not grow without end: one that is full is put
 * aside as `path.1`, and what was put aside before moves on to `path.2` and so forth.
 */
import { dirname } from "@std/path";

/** How much of a log is kept. */
export interface LogLimits {
  /** Size in bytes at which a file is put aside. */
  readonly maxBytes: number;
  /** How many files that were put aside stay; Infinity for all. */
  readonly maxBackups: number;
  /** Those that were last written to longer ago go, in milliseconds; Infinity when absent. */
  readonly maxAgeMs?: number;
}

/** Little enough for a card of a small node, and days of a busy one. */
export const DEFAULT_LOG_LIMITS: LogLimits = { maxBytes: 10 * 1024 ** 2, maxBackups: 3 };

const encoder = new TextEncoder();

/**
 * Appends by one write, so that lines of several processes do not mix.
 * @throws Error when the file cannot be written, or not be put aside with the line in it.
 */
export function appendLine(path: string, line: string, limits: LogLimits): void {
  using file = openForAppend(path);
  file.writeSync(encoder.encode(`${line}\n`));
  if (file.statSync().size >= limits.maxBytes) putAside(path, file, limits);
}

/** Where the files of a log are that were put aside: 1 is the newest. */
export function backupPath(path: string, number: number): string {
  return `${path}.${number}`;
}

/** Where the file of a link is, beside which those that were put aside are; the path itself where that cannot be told. */
export function realPath(path: string): string {
  try {
    return Deno.realPathSync(path);
  } catch {
    return path; // whoever uses it is told why
  }
}

function openForAppend(path: string): Deno.FsFile {
  const options = { append: true, create: true, mode: 0o600 };
  try {
    requireFile(path);
    return Deno.openSync(path, options);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    Deno.mkdirSync(dirname(path), { recursive: true, mode: 0o700 });
    return Deno.openSync(path, options);
  }
}

/**
 * Opening a FIFO waits for a reader, maybe for ever. Devices are taken, for the sake of /dev/null.
 * @throws Deno.errors.NotFound when nothing is at the path.
 */
function requireFile(path: string): void {
  const { isFile, isCharDevice } = Deno.statSync(path);
  if (!isFile && !isCharDevice) throw new Error("it is no regular file");
}

/** Who has the file open goes on in it: no line is lost. */
function putAside(named: string, file: Deno.FsFile, { maxBackups, maxAgeMs }: LogLimits): void {
  const path = realPath(named);
  // One at a time; whoever waited finds another file at the path. The lock goes with the file.
  file.lockSync(true);
  if (statOf(path)?.ino !== file.statSync().ino) return;
  const count = countBackups(path);
  for (let number = count; number > 0; number--) {
    if (number >= maxBackups) Deno.removeSync(backupPath(path, number));
    else Deno.renameSync(backupPath(path, number), backupPath(path, number + 1));
  }
  if (maxBackups === 0) Deno.removeSync(path);
  else Deno.renameSync(path, backupPath(path, 1));
  removeOlder(path, Date.now() - (maxAgeMs ?? Infinity));
}

function countBackups(path: string): number {
  let count = 0;
  while (statOf(backupPath(path, count + 1))) count++;
  return count;
}

function removeOlder(path: string, minMs: number): void {
  for (let number = countBackups(path); number > 0; number--) {
    const { mtime } = statOf(backupPath(path, number)) ?? {};
    if (mtime && mtime.getTime() < minMs) Deno.removeSync(backupPath(path, number));
  }
}

function statOf(path: string): Deno.FileInfo | undefined {
  try {
    return Deno.statSync(path);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    throw error;
  }
}
