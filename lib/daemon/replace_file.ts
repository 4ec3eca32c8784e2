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

/**
 * {@linkcode replaceFile} for a symlink, which may lead nowhere yet.
 * @throws HeadcniError `io-failure`; nothing is left then.
 */
export function replaceLink(path: string, target: string): void {
  const fresh = freshPath(path);
  try {
    Deno.symlinkSync(target, fresh);
    Deno.renameSync(fresh, path);
  } catch (cause) {
    removeIfPresent(fresh);
    throw ioError("link", path, cause);
  }
  syncDirectory(dirname(path));
}

/**
 * Removes what {@linkcode replaceFile} was making for a path when it was killed.
 * @throws HeadcniError `io-failure`.
 */
export function removeLeftOvers(path: string): void {
  const directory = dirname(path);
  try {
    for (const { name } of Deno.readDirSync(directory)) {
      if (isFresh(name, path)) Deno.removeSync(join(directory, name));
    }
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return;
    throw ioError("clear", directory, cause);
  }
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
  return join(dirname(path), `${freshPrefix(path)}${crypto.randomUUID().replaceAll("-", "")}`);
}

/** An editor's own copies have such names, too, but for the end. */
function isFresh(name: string, path: string): boolean {
  const prefix = freshPrefix(path);
  return name.startsWith(prefix) && /^[0-9a-f]{32}$/.test(name.slice(prefix.length));
}

function freshPrefix(path: string): string {
  return `.${path.slice(path.lastIndexOf("/") + 1)}.`;
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
