/** The end of a log file, and what is appended to it. */
import { concat } from "@std/bytes";
import { dirname } from "@std/path";
import { errorText, HeadcniError } from "../../../lib/errors.ts";
import { backupPath, realPath } from "../../../lib/log_file.ts";
import { type LogLine, type LogSource, timeOf } from "./log_line.ts";

/** Which lines. */
export interface LogRange {
  /** The last ones; Infinity for all. */
  readonly tail: number;
  readonly sinceMs: number | undefined;
}

/** How much is read at once, in bytes. */
const BLOCK_BYTES = 256 * 1024;
const LINE_FEED = 0x0a;
/** What says where a log is. */
const NAMED_BY: Readonly<Record<LogSource, string>> = {
  plugin: "$HEADCNI_LOG_FILE",
  daemon: "logging.file.path of the settings",
};

/** A log that is a file; another may take its place. */
export class LogFile {
  readonly #source: LogSource;
  readonly #path: string;
  /** Up to where the newest two files were read, by inode: who had the older one open goes on in it. */
  #ends: ReadonlyMap<number | null, number> = new Map();
  #lastMs = 0;

  constructor(source: LogSource, path: string) {
    this.#source = source;
    this.#path = path;
  }

  /**
   * The lines that are there, the oldest first; files are read from their ends, the newest first.
   * @throws HeadcniError `io-failure` when there is none, or one cannot be read.
   */
  read({ tail, sinceMs = -Infinity }: LogRange): LogLine[] {
    const isEnough = (texts: readonly string[]) => {
      const first = texts.find((text) => timeOf(text) !== undefined);
      return texts.length >= tail || (first !== undefined && (timeOf(first) ?? 0) < sinceMs);
    };
    let texts: string[] | undefined;
    const ends = new Map<number | null, number>();
    for (const file of this.#files()) {
      const { ino, size } = file.statSync();
      const end = endOfLines(file, size);
      ends.set(ino, end);
      texts = readFromEnd(file, end, texts ?? [], isEnough);
      if (isEnough(texts)) break;
    }
    if (!texts) throw this.#failure(new Deno.errors.NotFound());
    this.#ends = newestOf(ends);
    const lines = this.#toLines(texts).filter(({ timeMs }) => timeMs >= sinceMs);
    return tail === 0 ? [] : lines.slice(-tail);
  }

  /** The lines that are appended, until the signal. @throws HeadcniError `io-failure` */
  async *follow(signal: AbortSignal): AsyncGenerator<LogLine, void, void> {
    // The folder, for whoever rotates logs puts another file in the place of this one.
    using watcher = Deno.watchFs(dirname(this.#path), { recursive: false });
    const close = () => watcher.close();
    signal.addEventListener("abort", close, { once: true });
    yield* this.#readNew();
    for await (const _ of watcher) yield* this.#readNew();
  }

  /** What was written since the last time, to files that were put aside since then, too. */
  #readNew(): LogLine[] {
    const ends = new Map<number | null, number>();
    const parts: string[][] = [];
    const oldest = [...this.#ends.keys()].at(-1);
    // Where another program took the place of what was read, only the newest is new.
    let fresh = 1;
    for (const file of this.#files()) {
      const { ino, size } = file.statSync();
      const last = this.#ends.get(ino);
      // One that is shorter was cut off.
      const from = last === undefined || last > size ? 0 : last;
      const end = endOfLines(file, size, from);
      ends.set(ino, end);
      parts.unshift(textsOf(readAt(file, from, end - from)));
      if (last !== undefined) fresh = parts.length;
      if (ino === oldest) break;
    }
    this.#ends = newestOf(ends);
    return this.#toLines(parts.slice(-fresh).flat());
  }

  /**
   * The file and those that were put aside, the newest first; each is closed when the next is asked for.
   * @throws HeadcniError `io-failure`
   */
  *#files(): Generator<Deno.FsFile, void, void> {
    const seen = new Set<number | null>();
    const path = realPath(this.#path);
    for (let number = 0;; number++) {
      try {
        using file = open(number === 0 ? path : backupPath(path, number));
        const { ino } = file.statSync();
        // Else it was put aside since we had it.
        if (!seen.has(ino)) yield file;
        seen.add(ino);
      } catch (error) {
        if (!(error instanceof Deno.errors.NotFound)) throw this.#failure(error);
        // Between two files there is none at the path.
        if (number > 0) return;
      }
    }
  }

  #toLines(texts: readonly string[]): LogLine[] {
    return texts.map((text) => {
      this.#lastMs = timeOf(text) ?? this.#lastMs;
      return { source: this.#source, timeMs: this.#lastMs, text };
    });
  }

  #failure(cause: unknown): HeadcniError {
    const { NotFound, PermissionDenied } = Deno.errors;
    const seen = cause instanceof NotFound
      ? `there is no such file; ${NAMED_BY[this.#source]} names another`
      : cause instanceof PermissionDenied
      ? "it belongs to root, run this as root"
      : errorText(cause);
    const text = `Cannot read the log of the ${this.#source} "${this.#path}": ${seen}`;
    return new HeadcniError("io-failure", text, { cause });
  }
}

/** As many as may still be written to. @param ends the newest first. */
function newestOf(ends: ReadonlyMap<number | null, number>): Map<number | null, number> {
  return new Map([...ends].slice(0, 2));
}

/** @throws Deno.errors.NotFound when nothing is at the path. */
function open(path: string): Deno.FsFile {
  // To open a pipe would wait for its writer.
  if (!Deno.statSync(path).isFile) throw new Error("it is no regular file");
  return Deno.openSync(path);
}

/** Lines up to `end`, as far back as it takes until there are enough, before those that were read. */
function readFromEnd(
  file: Deno.FsFile,
  end: number,
  newer: readonly string[],
  isEnough: (texts: readonly string[]) => boolean,
): string[] {
  let texts = [...newer];
  // The end of a line that begins further back.
  let rest = new Uint8Array();
  for (let at = end; at > 0 && !isEnough(texts);) {
    const from = Math.max(0, at - BLOCK_BYTES);
    const bytes = concat([readAt(file, from, at - from), rest]);
    const firstLine = from === 0 ? 0 : bytes.indexOf(LINE_FEED) + 1;
    rest = bytes.slice(0, firstLine);
    texts = [...textsOf(bytes.subarray(firstLine)), ...texts];
    at = from;
  }
  return texts;
}

/** Without what comes behind the last line's end: it is being written. */
function endOfLines(file: Deno.FsFile, size: number, from = 0): number {
  for (let end = size; end > from;) {
    const begin = Math.max(from, end - BLOCK_BYTES);
    const at = readAt(file, begin, end - begin).lastIndexOf(LINE_FEED);
    if (at >= 0) return begin + at + 1;
    end = begin;
  }
  return from;
}

function readAt(file: Deno.FsFile, offset: number, length: number): Uint8Array<ArrayBuffer> {
  const bytes = new Uint8Array(length);
  file.seekSync(offset, Deno.SeekMode.Start);
  let filled = 0;
  while (filled < length) {
    const count = file.readSync(bytes.subarray(filled));
    if (count === null) break;
    filled += count;
  }
  return bytes.subarray(0, filled);
}

/** Whole lines, without their ends. */
function textsOf(bytes: Uint8Array): string[] {
  return new TextDecoder().decode(bytes).split("\n").slice(0, -1);
}
