/** Text files that a reader never sees half written. */
import { replaceFile } from "./replace_file.ts";

/**
 * Writes a file unless it has this text and mode already.
 * @param options.mode its permissions, whatever the umask is.
 * @returns whether anything was written.
 * @throws HeadcniError `io-failure`.
 */
export function writeAtomically(path: string, text: string, options: { mode: number }): boolean {
  if (isWritten(path, text, options.mode)) return false;
  replaceFile(path, (fresh) => {
    Deno.writeTextFileSync(fresh, text, { createNew: true, mode: 0o600 });
    Deno.chmodSync(fresh, options.mode);
  });
  return true;
}

function isWritten(path: string, text: string, mode: number): boolean {
  try {
    const info = Deno.lstatSync(path);
    if (!info.isFile || ((info.mode ?? 0) & 0o7777) !== mode) return false;
    return Deno.readTextFileSync(path) === text;
  } catch {
    // Whatever is wrong with what is there: it is not what is wanted.
    return false;
  }
}
