/** Keeps our network configuration the one that runtimes use, and brings back that of others. */
import { join } from "@std/path";
import { MAX_CONFIG_BYTES } from "../cni/network_config.ts";
import { HeadcniError } from "../errors.ts";
import { log } from "../log.ts";
import {
  type ConfChange,
  type ConfFile,
  DEFAULT_CONF_NAME,
  planConfDirectory,
  planRestore,
} from "../node/conf_directory.ts";
import { writeAtomically } from "./atomic_file.ts";
import { ioError, syncDirectory } from "./replace_file.ts";

/** How our configuration takes its place. */
export interface AssertOptions {
  /** Name of its file, by default {@linkcode DEFAULT_CONF_NAME}. */
  readonly name?: string;
  /** True to move those of others aside that come before it. */
  readonly exclusive: boolean;
}

/** A change that was made in a folder. */
export interface MadeChange {
  readonly directory: string;
  readonly change: ConfChange;
}

/** Only root reads it: CIS Kubernetes Benchmark 1.1.9. */
const CONF_MODE = 0o600;

/**
 * Makes our configuration the first in each folder, which is made if it is missing; a folder in
 * which nothing is wrong is not touched. Call it again whenever something may have changed.
 * @param conflist as `planConflist` made it.
 * @returns what was changed.
 * @throws HeadcniError `io-failure` with all folders in which it failed, the others being done.
 */
export function assertConflist(
  directories: readonly string[],
  conflist: Readonly<Record<string, unknown>>,
  { name = DEFAULT_CONF_NAME, exclusive }: AssertOptions,
): MadeChange[] {
  const wanted = { name, text: formatConflist(conflist), exclusive };
  return changeEach(directories, (directory) => {
    makeDirectory(directory);
    return planConfDirectory(readConfFiles(directory), wanted);
  });
}

/**
 * Takes our configuration out of each folder, and brings back what was moved aside.
 * @param name of our file.
 * @returns what was changed.
 * @throws HeadcniError `io-failure` as {@linkcode assertConflist}.
 */
export function restoreConflists(
  directories: readonly string[],
  name: string = DEFAULT_CONF_NAME,
): MadeChange[] {
  return changeEach(directories, (directory) => planRestore(readConfFiles(directory), name));
}

/** A network configuration as it is written. */
export function formatConflist(conflist: Readonly<Record<string, unknown>>): string {
  return `${JSON.stringify(conflist, null, 2)}\n`;
}

/** What {@linkcode restoreConflists} would change. */
export function planConflistRestore(
  directories: readonly string[],
  name: string = DEFAULT_CONF_NAME,
): MadeChange[] {
  return directories.flatMap((directory) =>
    planRestore(readConfFiles(directory), name).map((change) => ({ directory, change }))
  );
}

function changeEach(
  directories: readonly string[],
  plan: (directory: string) => ConfChange[],
): MadeChange[] {
  const made: MadeChange[] = [];
  const faults: HeadcniError[] = [];
  for (const directory of directories) {
    try {
      const changes = plan(directory);
      for (const change of changes) {
        makeChange(directory, change);
        made.push({ directory, change });
        log.info("Changed a network configuration", loggedChange(directory, change));
      }
      if (changes.length > 0) syncDirectory(directory);
    } catch (error) {
      if (!(error instanceof HeadcniError)) throw error;
      faults.push(error);
    }
  }
  if (faults.length === 0) return made;
  throw new HeadcniError("io-failure", faults.map(({ message }) => message).join("; "), {
    cause: faults[0],
  });
}

function makeChange(directory: string, change: ConfChange): void {
  const path = join(directory, change.name);
  if (change.kind === "write") {
    writeAtomically(path, change.text, { mode: CONF_MODE });
    return;
  }
  try {
    if (change.kind === "link") Deno.linkSync(path, join(directory, change.to));
    else if (change.kind === "rename") Deno.renameSync(path, join(directory, change.to));
    else Deno.removeSync(path);
  } catch (cause) {
    // Its owner was faster: the next call sees what is there then.
    if (cause instanceof Deno.errors.NotFound) return;
    throw ioError(change.kind, path, cause);
  }
}

function makeDirectory(directory: string): void {
  try {
    Deno.mkdirSync(directory, { recursive: true, mode: 0o755 });
  } catch (cause) {
    throw ioError("make the folder", directory, cause);
  }
}

/**
 * Everything in a folder; what cannot be loaded, such as a folder, can still be in the way.
 * @throws HeadcniError `io-failure`.
 */
export function readConfFiles(directory: string): ConfFile[] {
  try {
    return Array.from(Deno.readDirSync(directory))
      .map(({ name, isDirectory }) => ({
        name,
        text: readText(join(directory, name)),
        isFolder: isDirectory,
      }))
      .toSorted((one, other) => one.name < other.name ? -1 : 1);
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return [];
    throw ioError("list", directory, cause);
  }
}

/** Undefined for what is no text, too large, or not to be read. */
function readText(path: string): string | undefined {
  try {
    const { isFile, size } = Deno.statSync(path);
    // To open a pipe would wait for its writer.
    if (!isFile || size > MAX_CONFIG_BYTES) return undefined;
    const decoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });
    return decoder.decode(Deno.readFileSync(path));
  } catch {
    return undefined;
  }
}

function loggedChange(directory: string, change: ConfChange): Record<string, string> {
  const { kind, name } = change;
  return { directory, kind, name, ..."to" in change && { to: change.to } };
}
