import { lockPath } from "../../lib/store/lock.ts";
import { identityOf, kvPath, realPath } from "../../lib/store/place.ts";

/**
 * Lets the lock of a store remember the file that a test put in its place, which would otherwise be
 * taken for somebody's copy. Where there is no lock file nothing is remembered.
 */
export function ownFile(runDirectory: string, storeDirectory: string): void {
  const directory = realPath(storeDirectory);
  const lock = lockPath(runDirectory, directory);
  if (identityOf(lock) === undefined) return;
  const [mark = 0] = Deno.readFileSync(lock);
  const identity = new TextEncoder().encode(`${identityOf(kvPath(directory))}\n`);
  Deno.writeFileSync(lock, Uint8Array.of(mark, ...identity));
}
