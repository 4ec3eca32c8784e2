/** Archives of tar(1): POSIX.1-1988 ustar, section 10.1.1. Regular files with short names alone. */

/** A file of an archive. */
export interface TarFile {
  /** At most 100 bytes. */
  readonly name: string;
  readonly data: Uint8Array;
}

const BLOCK_BYTES = 512;
const MODE = 0o600;

/** The archive as one piece. */
export function formatTar(files: readonly TarFile[], timeMs: number): Uint8Array<ArrayBuffer> {
  const parts = files.flatMap((file) => [header(file, timeMs), padded(file.data)]);
  // Two empty blocks end it.
  const bytes = parts.reduce((sum, part) => sum + part.length, 2 * BLOCK_BYTES);
  const archive = new Uint8Array(bytes);
  let at = 0;
  for (const part of parts) {
    archive.set(part, at);
    at += part.length;
  }
  return archive;
}

function header({ name, data }: TarFile, timeMs: number): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  const put = (at: number, text: string) => block.set(new TextEncoder().encode(text), at);
  const number = (value: number, digits: number) => `${octal(value, digits)}\0`;
  put(0, name);
  put(100, number(MODE, 7));
  put(108, number(0, 7));
  put(116, number(0, 7));
  put(124, number(data.length, 11));
  put(136, number(Math.floor(timeMs / 1_000), 11));
  put(148, " ".repeat(8));
  put(156, "0");
  put(257, "ustar\x0000");
  // The sum of all bytes, with blanks in its own place.
  put(148, `${octal(block.reduce((sum, byte) => sum + byte, 0), 6)}\0 `);
  return block;
}

function octal(value: number, digits: number): string {
  return value.toString(8).padStart(digits, "0");
}

function padded(data: Uint8Array): Uint8Array {
  const block = new Uint8Array(Math.ceil(data.length / BLOCK_BYTES) * BLOCK_BYTES);
  block.set(data);
  return block;
}
