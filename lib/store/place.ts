/** Where a store is: its directory, and the file in it. */
import { storeFailure } from "./failure.ts";

const FILE_NAME = "state.kv";

/** Path of the KV of a store. */
export function kvPath(directory: string): string {
  return `${directory}/${FILE_NAME}`;
}

/**
 * The path without symlinks: however a directory is written, its lock is the same.
 * @throws StoreError `store-failure`.
 */
export function realPath(directory: string): string {
  try {
    return Deno.realPathSync(directory);
  } catch (cause) {
    throw storeFailure("find", directory, cause);
  }
}

/**
 * Makes a directory for its owner alone; one that is there stays as it is.
 * @throws StoreError `store-failure`.
 */
export function makePrivateDirectory(directory: string): void {
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw storeFailure("make", directory, cause);
  }
}

/**
 * Number that tells a file from others which had its path before; undefined when there is none.
 * @throws StoreError `store-failure` when it cannot be told.
 */
export function inodeOf(path: string): number | undefined {
  try {
    // What has no number, on a strange file system, is there all the same.
    return Deno.statSync(path).ino ?? 0;
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw storeFailure("find", path, cause);
  }
}

/**
 * Tells a file from others that have its path before or after it; undefined when there is none. The
 * inode alone does not: file systems give the number of a removed file to the next one.
 * @throws StoreError `store-failure` when it cannot be told.
 */
export function identityOf(path: string): string | undefined {
  try {
    return identity(Deno.statSync(path));
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    throw storeFailure("find", path, cause);
  }
}

/** {@linkcode identityOf} a file that is open, whatever has its path now. */
export function identityOfOpen(file: Deno.FsFile): string {
  return identity(file.statSync());
}

/** Not every file system knows when a file was made. */
function identity({ dev, ino, birthtime }: Deno.FileInfo): string {
  return [dev, ino, birthtime?.getTime()].join(" ");
}
