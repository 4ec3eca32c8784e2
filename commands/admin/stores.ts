/** Which stores the administrator's commands work on. */
import type { Environment } from "../../lib/cni/environment.ts";
import { examineStore } from "../../lib/delegate/examine.ts";
import { errorText, StoreError } from "../../lib/errors.ts";
import { DEFAULT_STORE_DIRECTORY, storeDirectory } from "../../lib/store/directory.ts";
import { listLockedStores } from "../../lib/store/lock.ts";
import type { StoreMender } from "../../lib/store/mend.ts";
import { inodeOf, kvPath } from "../../lib/store/place.ts";
import { openExistingStore, type Store, type StoreOptions } from "../../lib/store/store.ts";
import { pluginContext } from "../context.ts";

/** How stores are opened. */
export type VisitOptions = Pick<StoreOptions, "mayUseBallast">;

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
 * Where stores may be: the {@linkcode chosenDirectory}, and all in use since boot when nothing was
 * chosen.
 * @throws ConfigError for a relative directory; StoreError when they may not be looked for.
 */
export function storeDirectories(named: string | undefined, env: Environment): string[] {
  const { runDirectory, dataDirectory } = pluginContext(env);
  const others = named || dataDirectory ? [] : listStoresInUse(runDirectory);
  return [...new Set([chosenDirectory(named, env), ...others])];
}

/**
 * Opens one of the {@linkcode storeDirectories} after the other.
 * @param use gets undefined where there is no store.
 * @throws StoreError when one cannot be used or a newer release wrote it, or what `use` throws.
 */
export async function visitStores<T>(
  named: string | undefined,
  env: Environment,
  use: (directory: string, store: Store | undefined) => Promise<T>,
  options: VisitOptions = {},
): Promise<T[]> {
  const { runDirectory, self } = pluginContext(env);
  try {
    const answers: T[] = [];
    for (const directory of storeDirectories(named, env)) {
      // A folder that may not be looked into is not the same as no store in it.
      await using store = isPresent(directory)
        ? await openExistingStore({
          ...{ directory, runDirectory, mender: storeExaminer(self), ...options },
        })
        : undefined;
      if (!store && inodeOf(kvPath(directory)) !== undefined) throw newerStore(directory);
      answers.push(await use(directory, store));
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
  options?: VisitOptions,
): Promise<T[]> {
  const answers = await visitStores(
    named,
    env,
    async (_, store) => store ? [await use(store)] : [],
    options,
  );
  if (answers.some((answer) => answer.length > 0)) return answers.flat();
  throw noStore(chosenDirectory(named, env));
}

/** The error where there should be a store. */
export function noStore(directory: string): StoreError {
  return new StoreError(
    "store-failure",
    `Cannot find a store in "${directory}": nothing was ever attached there; --store names ` +
      `another folder`,
  );
}

/** The error for a store that `openExistingStore` counts as none, though it is there. */
function newerStore(directory: string): StoreError {
  return new StoreError(
    "store-failure",
    `Cannot read the store in "${directory}": a newer release wrote it in a format that this one ` +
      `does not know`,
    { details: "Ask the headcni of that release" },
  );
}

/**
 * Examines a store before it is used when that is in doubt, for a damaged one can end the runtime.
 * To make it anew is left to the next ADD or DEL: they know of what.
 */
export function storeExaminer(self: readonly string[]): StoreMender {
  return { examine: (file) => examineStore(self, file) };
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
