/** Standard input and output of a plugin call. */
import { ConfigError } from "../lib/errors.ts";
import { pause } from "../lib/pause.ts";

/** Size of one read in bytes: what a pipe holds at most, pipe(7). */
const CHUNK_BYTES = 65_536;
/** How long a caller may take to write something for {@linkcode peekStdin}, in milliseconds. */
const PEEK_MS = 200;

/**
 * All of standard input, or its beginning when it has more than `maxBytes`: then one byte more.
 * @throws ConfigError when it cannot be read.
 */
export function readStdin(maxBytes: number): Uint8Array {
  let buffer = new Uint8Array(CHUNK_BYTES);
  let length = 0;
  while (length <= maxBytes) {
    if (length === buffer.length) buffer = enlarge(buffer);
    const count = readInto(buffer.subarray(length));
    if (count === 0) break;
    length += count;
  }
  return buffer.subarray(0, Math.min(length, maxBytes + 1));
}

/** What the first read of standard input gives: nothing on a terminal where nobody types. */
export async function peekStdin(): Promise<Uint8Array> {
  const buffer = new Uint8Array(CHUNK_BYTES);
  const count = await Promise.race([Deno.stdin.read(buffer), pause(PEEK_MS).then(() => null)]);
  return buffer.subarray(0, count ?? 0);
}

/** Standard output or error. */
export interface OutputStream {
  /** Writes the beginning of `bytes`; answers how many bytes that was. */
  writeSync(bytes: Uint8Array): number;
}

/**
 * Writes all of a text, or of bytes.
 * @throws Error of the system when nobody reads any more.
 */
export function writeAll(stream: OutputStream, content: string | Uint8Array): void {
  let rest = typeof content === "string" ? new TextEncoder().encode(content) : content;
  while (rest.length > 0) rest = rest.subarray(stream.writeSync(rest));
}

function readInto(space: Uint8Array): number {
  try {
    return Deno.stdin.readSync(space) ?? 0;
  } catch (cause) {
    throw new ConfigError("io-failure", "error reading from stdin", { cause });
  }
}

function enlarge(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
  const larger = new Uint8Array(2 * buffer.length);
  larger.set(buffer);
  return larger;
}
