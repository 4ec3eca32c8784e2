/** `@std/fs`: files and directories, with the signatures of the std functions that we use. */

/** What {@linkcode exists} asks of a path. */
export interface ExistsOptions {
  /** It must be a directory. */
  readonly isDirectory?: boolean;
  /** It must be a regular file. */
  readonly isFile?: boolean;
}

/** True when the path, symlinks followed, leads to something of the wanted kind. */
export async function exists(path: string | URL, options: ExistsOptions = {}): Promise<boolean> {
  try {
    return isWanted(await Deno.stat(path), options);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return false;
    throw error;
  }
}

/**
 * Creates the directory and its parents where they are missing.
 * @throws Error when something else has that name.
 */
export async function ensureDir(dir: string | URL): Promise<void> {
  try {
    await Deno.mkdir(dir, { recursive: true });
  } catch (error) {
    if (!(error instanceof Deno.errors.AlreadyExists)) throw error;
    throw new Error(`Cannot make directory "${dir}": a file has that name`, { cause: error });
  }
}

function isWanted(info: Deno.FileInfo, options: ExistsOptions): boolean {
  if (options.isDirectory && options.isFile) {
    throw new TypeError("Cannot ask for a directory and a file at once");
  }
  return (!options.isDirectory || info.isDirectory) && (!options.isFile || info.isFile);
}
