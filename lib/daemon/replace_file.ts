/** Putting a file in the place of another so that a reader sees the old one or the new one. */
import { dirname, join } from "@std/path";
import { errorText, HeadcniError } from "../errors.ts";

/**
 * Makes a file under a name of its own in the same folder and renames it, both on disk before this
 * returns. The name begins with a dot and ends in no way that a runtime of containers loads.
 * containerd 1.6 notices a new configuration only by such a rename.
 * @param make gets the path of the file to make.
 * @throws HeadcniError `io-failure`; nothing is left then.
 */
export function replaceFile(path: string, make: (fresh: string) => void): void {
  const fresh = freshPath(path);
  try {
    make(fresh);
    syncPath(fresh);
    Deno.renameSync(fresh, path);
  } catch (cause) {
    removeIfPresent(fresh);
    throw ioError("write", path, cause);
  }
  syncDirectory(dirname(path));
}

/** Begins the names of files that {@linkcode replaceFile} was making in a folder when it was killed. */
export function freshPrefix(name: string): string {
  return `.${name}.`;
}

/**
 * Puts the names in a folder on disk: rename(2) alone does not.
 * @throws HeadcniError `io-failure`.
 */
export function syncDirectory(directory: string): void {
  try {
    syncPath(directory);
  } catch (cause) {
    throw ioError("write", directory, cause);
  }
}

/** What kept us from a change, in the words of the kernel, and what to do about it. */
export function ioError(verb: string, path: string, cause: unknown): HeadcniError {
  // Deno adds its own call and paths, of files that nobody knows.
  const seen = errorText(cause).replace(/: \w+ '.*'$/s, "");
  const advice = seen.includes("Read-only file system") ? "; mount it writable for the daemon" : "";
  const text = `Cannot ${verb} "${path}": ${seen}${advice}`;
  return new HeadcniError("io-failure", text, { cause });
}

function freshPath(path: string): string {
  const name = path.slice(path.lastIndexOf("/") + 1);
  return join(dirname(path), `${freshPrefix(name)}${crypto.randomUUID().replaceAll("-", "")}`);
}

/** fsync(2), of folders too. */
function syncPath(path: string): void {
  using file = Deno.openSync(path, { read: true });
  file.syncSync();
}

function removeIfPresent(path: string): void {
  try {
    Deno.removeSync(path);
  } catch {
    // It was not made, or the file system is gone: the first error says why.
  }
}
