/** Removes a store: for a node that does without us from now on. */
import { storeFailure } from "./failure.ts";
import { lockPath } from "./lock.ts";
import { spoolPath } from "./spool.ts";

/** The KV with what SQLite keeps beside it, those that were set aside for damage, and the ballast. */
const OWN_FILE = /^(?:state\.kv(?:-\w+|\.damaged-.*)?|ballast)$/;

/**
 * Removes the files of a store, also below the run directory; nobody may have it open. What else is
 * in its directory stays, and so does the directory then.
 * @returns paths of what was removed.
 * @throws StoreError `store-failure`.
 */
export function removeStore(directory: string, runDirectory: string): string[] {
  try {
    const names = listNames(directory).filter((name) => OWN_FILE.test(name));
    const paths = [
      ...names.toSorted().map((name) => `${directory}/${name}`),
      spoolPath(runDirectory, directory),
      lockPath(runDirectory, directory),
    ];
    return paths.filter(removeIfPresent);
  } catch (cause) {
    throw storeFailure("remove", directory, cause);
  }
}

function listNames(directory: string): string[] {
  try {
    return Array.from(Deno.readDirSync(directory), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

/** False when there was nothing. */
function removeIfPresent(path: string): boolean {
  try {
    Deno.removeSync(path);
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}
