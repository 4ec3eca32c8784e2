/** Removes a store: for a node that does without us from now on. */
import { storeFailure } from "./failure.ts";
import { lockPath } from "./lock.ts";
import { inodeOf } from "./place.ts";
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
    return ownPaths(directory, runDirectory).filter(removeIfPresent);
  } catch (cause) {
    throw storeFailure("remove", directory, cause);
  }
}

/**
 * Paths of what {@linkcode removeStore} would remove.
 * @throws StoreError `store-failure`.
 */
export function listStoreFiles(directory: string, runDirectory: string): string[] {
  try {
    return ownPaths(directory, runDirectory).filter((path) => inodeOf(path) !== undefined);
  } catch (cause) {
    throw storeFailure("find", directory, cause);
  }
}

function ownPaths(directory: string, runDirectory: string): string[] {
  const names = listNames(directory).filter((name) => OWN_FILE.test(name));
  return [
    ...names.toSorted().map((name) => `${directory}/${name}`),
    spoolPath(runDirectory, directory),
    lockPath(runDirectory, directory),
  ];
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
