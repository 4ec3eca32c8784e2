/** Small files that anybody may have put there. */

/** No such file is longer: a static pod of kubeadm has 5 KiB, and YAML takes its time. */
const MAX_BYTES = 256 * 1024;

/**
 * The text of a regular file; undefined when there is nothing of that name.
 * @throws Error when it is no regular file, too large, or no text.
 */
export function readBounded(path: string): string | undefined {
  try {
    // Before it is opened: to open a pipe would wait for its other end.
    const { isFile, isDirectory, size } = Deno.statSync(path);
    if (!isFile) {
      throw new Error(`a file wanted, got ${isDirectory ? "a directory" : "a device or pipe"}`);
    }
    if (size > MAX_BYTES) throw new Error(`at most ${MAX_BYTES} bytes wanted, got ${size}`);
    using file = Deno.openSync(path);
    // A file that grows is read as far as it was.
    const bytes = new Uint8Array(size);
    let length = 0;
    for (let count: number | null = 1; count && length < size; length += count ?? 0) {
      count = file.readSync(bytes.subarray(length));
    }
    return new TextDecoder("utf-8", { fatal: true }).decode(bytes.subarray(0, length));
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    if (error instanceof TypeError) {
      throw new Error("text wanted, got other bytes", { cause: error });
    }
    throw error;
  }
}
