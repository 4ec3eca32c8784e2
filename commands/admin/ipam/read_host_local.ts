import { ConfigError, errorText, HeadcniError } from "../../../lib/errors.ts";
import { lockWithin } from "../../../lib/store/lock.ts";
import { LOCK_FILE, type StateFile } from "./host_local.ts";

/** How long host-local may keep its lock, in milliseconds. */
const LOCK_TIMEOUT_MS = 10_000;

/**
 * Reads the files of a directory of host-local and keeps its lock until `use` is done: meanwhile no
 * pod gets or loses an address there.
 * @throws ConfigError when it is no such directory; HeadcniError when its lock is not to be had.
 */
export async function withHostLocal<T>(
  directory: string,
  use: (files: readonly StateFile[]) => Promise<T>,
): Promise<T> {
  // Nothing is made in a folder that is something else.
  listFiles(directory);
  using _lock = await lockDirectory(directory);
  return await use(listFiles(directory).map((name) => readFile(directory, name)));
}

/** flock(2) as host-local takes it; the file stays, as it does there. */
async function lockDirectory(directory: string): Promise<Deno.FsFile> {
  const path = `${directory}/${LOCK_FILE}`;
  const file = Deno.openSync(path, { create: true, read: true, write: true, mode: 0o600 });
  if (await lockWithin(file, "exclusive", LOCK_TIMEOUT_MS)) return file;
  throw new HeadcniError(
    "try-again",
    `Cannot lock "${path}": host-local held it for ${LOCK_TIMEOUT_MS} ms`,
  );
}

function listFiles(directory: string): string[] {
  try {
    const entries = Array.from(Deno.readDirSync(directory));
    const folder = entries.find(({ isDirectory }) => isDirectory);
    if (!folder) return entries.map(({ name }) => name).sort();
    throw new ConfigError(
      "invalid-config",
      `Cannot import "${directory}": "${folder.name}" in it is a folder; host-local's directory of ` +
        `one network is wanted, such as "${directory}/${folder.name}"`,
    );
  } catch (cause) {
    if (cause instanceof ConfigError || cause instanceof Deno.errors.PermissionDenied) throw cause;
    throw new ConfigError("invalid-config", `Cannot import "${directory}": ${errorText(cause)}`, {
      cause,
    });
  }
}

function readFile(directory: string, name: string): StateFile {
  const path = `${directory}/${name}`;
  return {
    name,
    text: Deno.readTextFileSync(path),
    modifiedMs: Deno.statSync(path).mtime?.getTime() ?? 0,
  };
}
