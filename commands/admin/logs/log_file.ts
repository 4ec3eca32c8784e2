/** The end of a log file, and what is appended to it. */
import { dirname } from "@std/path";
import { errorText, HeadcniError } from "../../../lib/errors.ts";
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
  /** What was read: of which file, and up to where. */
  #inode: number | null = null;
  #offset = 0;
  #lastMs = 0;

  constructor(source: LogSource, path: string) {
    this.#source = source;
    this.#path = path;
  }

  /**
   * The lines that are there, the oldest first; the file is read from its end.
   * @throws HeadcniError `io-failure` when it cannot be read.
   */
  read({ tail, sinceMs = -Infinity }: LogRange): LogLine[] {
    using file = this.#open();
    const { ino, size } = file.statSync();
    [this.#inode, this.#offset] = [ino, endOfLines(file, size)];
    const blocks: Uint8Array[] = [];
    let begin = this.#offset;
    let count = 0;
    let isOld = false;
    while (begin > 0 && count <= tail && !isOld) {
      const from = Math.max(0, begin - BLOCK_BYTES);
      const block = readAt(file, from, begin - from);
      blocks.unshift(block);
      begin = from;
      const texts = textsOf(block);
      count += texts.length;
      // The first may be the end of one.
      isOld = texts.slice(1).some((text) => (timeOf(text) ?? Infinity) < sinceMs);
    }
    const texts = textsOf(concat(blocks)).slice(begin > 0 ? 1 : 0);
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

  /** What was written since the last time. */
  #readNew(): LogLine[] {
    try {
      using file = Deno.openSync(this.#path);
      const { ino, size } = file.statSync();
      if (ino !== this.#inode || size < this.#offset) [this.#inode, this.#offset] = [ino, 0];
      const end = endOfLines(file, size, this.#offset);
      const bytes = readAt(file, this.#offset, end - this.#offset);
      this.#offset = end;
      return this.#toLines(textsOf(bytes));
    } catch (error) {
      // Between two files there is none.
      if (error instanceof Deno.errors.NotFound) return [];
      throw this.#failure(error);
    }
  }

  #toLines(texts: readonly string[]): LogLine[] {
    return texts.map((text) => {
      this.#lastMs = timeOf(text) ?? this.#lastMs;
      return { source: this.#source, timeMs: this.#lastMs, text };
    });
  }

  #open(): Deno.FsFile {
    try {
      // To open a pipe would wait for its writer.
      if (!Deno.statSync(this.#path).isFile) throw new Error("it is no regular file");
      return Deno.openSync(this.#path);
    } catch (error) {
      throw this.#failure(error);
    }
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

function concat(blocks: readonly Uint8Array[]): Uint8Array {
  const all = new Uint8Array(blocks.reduce((sum, { length }) => sum + length, 0));
  let at = 0;
  for (const block of blocks) {
    all.set(block, at);
    at += block.length;
  }
  return all;
}
