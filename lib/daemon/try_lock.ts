import { inodeOf } from "../store/place.ts";

/**
 * Takes the lock of a file, which is made when it is not there, and never waits for it; closing the file
 * gives it back. Who has the lock may remove the file: one that is not found at its path any more keeps
 * nobody out, so it is no lock.
 * @returns undefined while another process has it.
 * @throws an error of Deno.
 */
export function tryLock(path: string): Deno.FsFile | undefined {
  for (;;) {
    const file = Deno.openSync(path, { create: true, read: true, write: true, mode: 0o600 });
    const isLocked = file.tryLockSync(true);
    if (isLocked && file.statSync().ino === inodeOf(path)) return file;
    file.close();
    if (!isLocked) return undefined;
  }
}
