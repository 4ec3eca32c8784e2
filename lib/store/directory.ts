import { ConfigError } from "../errors.ts";

/** Where the state lies when nothing else is configured. */
export const DEFAULT_STORE_DIRECTORY = "/var/lib/headcni";

/** Places that can name the store directory, strongest first. */
export interface StoreDirectorySources {
  /** `ipam.dataDir`. */
  readonly ipam: unknown;
  /** `dataDir` of the network configuration. */
  readonly network: unknown;
  /** `HEADCNI_DATA_DIR`. */
  readonly environment: string | undefined;
}

/**
 * The directory of the store.
 * @throws ConfigError for one that is no absolute path: a plugin has no directory of its own.
 */
export function storeDirectory(sources: StoreDirectorySources): string {
  const named = [sources.ipam, sources.network, sources.environment];
  const directory = named.find((name) => name !== undefined && name !== null && name !== "");
  if (directory === undefined) return DEFAULT_STORE_DIRECTORY;
  if (typeof directory === "string" && directory.startsWith("/")) return directory;
  throw new ConfigError(
    "invalid-config",
    `Cannot use dataDir ${JSON.stringify(directory)}: an absolute path wanted`,
  );
}
