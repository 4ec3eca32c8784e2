/** Files that others read while we write them: whole, old or new, whatever happens in between. */
import { dirname, join } from "@std/path";
import { errorText, HeadcniError } from "../errors.ts";

/**
 * Makes the file have this text and mode. A reader sees the old file or the new one, never a part,
 * also after a crash of the node. Of two processes that write one file at once, one may fail.
 * @param path of a file in a folder that exists; a symlink is replaced, not followed.
 * @param options `mode`: permission bits, whatever the umask is.
 * @returns false when it had that content and mode already: then nothing is written.
 * @throws HeadcniError `io-failure`; the old file is still there.
 */
export function writeAtomically(
  path: string,
  text: string,
  options: { readonly mode: number },
): boolean {
  try {
    if (isWritten(path, text, options.mode)) return false;
    replace(path, text, options.mode);
    return true;
  } catch (cause) {
    throw new HeadcniError("io-failure", `Cannot write "${path}": ${errorText(cause)}`, { cause });
  }
}

/** Ends the name of a file that is not finished: no runtime reads such a one as a configuration. */
const UNFINISHED = ".headcni-new";

function isWritten(path: string, text: string, mode: number): boolean {
  try {
    const { isFile, mode: modeNow, size } = Deno.lstatSync(path);
    if (!isFile || ((modeNow ?? 0) & 0o7777) !== mode) return false;
    const bytes = new TextEncoder().encode(text);
    return size === bytes.length && Deno.readTextFileSync(path) === text;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

function replace(path: string, text: string, mode: number): void {
  const folder = dirname(path);
  // Always the same name, so that what a killed daemon leaves is overwritten by the next.
  const unfinished = join(folder, `.${path.slice(path.lastIndexOf("/") + 1)}${UNFINISHED}`);
  removeIfThere(unfinished);
  try {
    writeThrough(unfinished, text, mode);
    Deno.renameSync(unfinished, path);
  } catch (error) {
    removeIfThere(unfinished);
    throw error;
  }
  // Without this the node may come up with the old name after a crash: rename(2), fsync(2).
  using directory = Deno.openSync(folder, { read: true });
  directory.syncSync();
}

/** On the disk before it has its name: else a crash could leave an empty file under it. */
function writeThrough(path: string, text: string, mode: number): void {
  using file = Deno.openSync(path, { write: true, createNew: true, mode: 0o600 });
  const bytes = new TextEncoder().encode(text);
  for (let at = 0; at < bytes.length;) at += file.writeSync(bytes.subarray(at));
  Deno.chmodSync(path, mode);
  file.syncSync();
}

function removeIfThere(path: string): void {
  try {
    Deno.removeSync(path);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
  }
}
