/** The folder in which libcni keeps the results of ADD, one file an attachment. */
import type { AttachmentKey } from "../attachment.ts";
import {
  type CachedAttachment,
  cacheFileName,
  parseCachedAttachment,
} from "../cni/result_cache.ts";
import { errorText, HeadcniError } from "../errors.ts";
import { log } from "../log.ts";
import { isPresent } from "./left_over.ts";

/**
 * Every attachment that the runtime knows; a file that cannot be read is left out, and the log says
 * why. No folder, no attachments: not every runtime keeps one.
 * @throws HeadcniError `io-failure` when the folder is there and cannot be read.
 */
export async function readResults(directory: string): Promise<CachedAttachment[]> {
  const read = listFiles(directory).map((path) => readResult(path));
  return (await Promise.all(read)).filter((cached) => cached !== undefined);
}

/**
 * Whether the runtime knows an attachment; undefined when it keeps no results at all, or not where
 * we look.
 */
export function hasResult(directory: string, key: AttachmentKey): boolean | undefined {
  if (!isPresent(directory)) return undefined;
  return isPresent(`${directory}/${cacheFileName(key)}`);
}

async function readResult(path: string): Promise<CachedAttachment | undefined> {
  try {
    return parseCachedAttachment(await Deno.readTextFile(path));
  } catch (error) {
    // A DEL that is under way removes the file.
    if (error instanceof Deno.errors.NotFound) return undefined;
    log.warn(`Cannot use what the runtime keeps in "${path}": ${errorText(error)}`);
    return undefined;
  }
}

function listFiles(directory: string): string[] {
  try {
    return Array.from(Deno.readDirSync(directory))
      .filter(({ isFile }) => isFile).map(({ name }) => `${directory}/${name}`).sort();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw new HeadcniError(
      "io-failure",
      `Cannot list the runtime's results in "${directory}": ${errorText(cause)}`,
      { cause },
    );
  }
}
