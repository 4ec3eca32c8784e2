/** Which stores the administrator's commands work on. */
import type { Environment } from "../../lib/cni/environment.ts";
import { errorText, StoreError } from "../../lib/errors.ts";
import { DEFAULT_STORE_DIRECTORY, storeDirectory } from "../../lib/store/directory.ts";
import { listLockedStores } from "../../lib/store/lock.ts";
import { openExistingStore, type Store } from "../../lib/store/store.ts";
import { pluginContext } from "../context.ts";

/** What `--store` of a command that looks at all stores is by default, for its help. */
export const STORES_HELP = "only the store in this folder (default: $HEADCNI_DATA_DIR, else all " +
  `in use since boot and ${DEFAULT_STORE_DIRECTORY})`;

/**
 * The store of commands that need a single one: the named one, else that of `HEADCNI_DATA_DIR`, else
 * the default.
 * @throws ConfigError for a relative directory.
 */
export function chosenDirectory(named: string | undefined, env: Environment): string {
  const { dataDirectory } = pluginContext(env);
  return storeDirectory({ ipam: undefined, network: named, environment: dataDirectory });
}

/**
 * Opens one store after the other: the {@linkcode chosenDirectory}, and all in use since boot when
 * nothing was chosen.
 * @param use gets undefined where there is no store.
 * @throws StoreError when one cannot be used, or what `use` throws.
 */
export async function visitStores<T>(
  named: string | undefined,
  env: Environment,
  use: (directory: string, store: Store | undefined) => Promise<T>,
): Promise<T[]> {
  const { runDirectory, dataDirectory } = pluginContext(env);
  const directory = chosenDirectory(named, env);
  try {
    const others = named || dataDirectory ? [] : listStoresInUse(runDirectory);
    const answers: T[] = [];
    for (const each of new Set([directory, ...others])) {
      // A folder that may not be looked into is not the same as no store in it.
      await using store = isPresent(each)
        ? await openExistingStore({ directory: each, runDirectory })
        : undefined;
      answers.push(await use(each, store));
    }
    return answers;
  } catch (error) {
    throw explainFailure(error);
  }
}

/**
 * {@linkcode visitStores} without those that are not there.
 * @throws StoreError when there is none at all.
 */
export async function visitPresentStores<T>(
  named: string | undefined,
  env: Environment,
  use: (store: Store) => Promise<T>,
): Promise<T[]> {
  const answers = await visitStores(
    named,
    env,
    async (_, store) => store ? [await use(store)] : [],
  );
  if (answers.some((answer) => answer.length > 0)) return answers.flat();
  throw new StoreError(
    "store-failure",
    `Cannot find a store in "${chosenDirectory(named, env)}": nothing was ever attached there; ` +
      `--store names another folder`,
  );
}

/** Says what to do about a store that belongs to somebody else; any other failure stays as it is. */
export function explainFailure(error: unknown): unknown {
  if (!isPermissionDenied(error)) return error;
  return new StoreError(
    "store-failure",
    `Cannot read the stores: ${errorText(error)}; they belong to root, run this as root`,
    { cause: error },
  );
}

function listStoresInUse(runDirectory: string): string[] {
  try {
    return listLockedStores(runDirectory);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw error;
  }
}

function isPresent(directory: string): boolean {
  try {
    Deno.readDirSync(directory).next();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/** Ours pass on the system's error as their cause. */
function isPermissionDenied(error: unknown): boolean {
  return error instanceof Deno.errors.PermissionDenied ||
    (error instanceof StoreError && isPermissionDenied(error.cause));
}
