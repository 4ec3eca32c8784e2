/** The settings of the node's container runtimes. */
import { join } from "@std/path";
import { errorText } from "../errors.ts";
import { log } from "../log.ts";
import { RUNTIME_FILES, type RuntimeFile } from "../node/cni_directories.ts";

/**
 * Reads those that are there; one that cannot be read is left out, and the log says why.
 * @param rootDirectory where the node's own root is mounted, `/` for a daemon outside of containers.
 * @returns paths without it.
 */
export function readRuntimeFiles(rootDirectory: string): RuntimeFile[] {
  return RUNTIME_FILES
    .flatMap((path) => path.endsWith("/") ? listConfs(rootDirectory, path) : [path])
    .flatMap((path) => {
      const text = attempt(path, () => Deno.readTextFileSync(join(rootDirectory, path)));
      return text === undefined ? [] : [{ path, text }];
    });
}

function listConfs(rootDirectory: string, folder: string): string[] {
  const names = attempt(
    folder,
    () => Array.from(Deno.readDirSync(join(rootDirectory, folder)), ({ name }) => name),
  ) ?? [];
  return names.filter((name) => name.endsWith(".conf")).sort().map((name) => folder + name);
}

function attempt<Value>(path: string, read: () => Value): Value | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return undefined;
    log.warn(`Cannot read the settings of a runtime in "${path}": ${errorText(error)}`);
    return undefined;
  }
}
