/** Which network configuration the runtimes of this node take. */
import { join } from "@std/path";
import { cniDirectories } from "../../../lib/daemon/node_files.ts";
import type { LoadedSettings } from "../../../lib/daemon/settings/settings.ts";
import { errorText, HeadcniError } from "../../../lib/errors.ts";
import { isLoaded } from "../../../lib/node/conf_directory.ts";
import { isOwnConflist } from "../../../lib/node/conflist.ts";

/** A folder of network configurations. */
export interface ConflistView {
  readonly directory: string;
  /** Who reads it. */
  readonly runtimes: readonly string[];
  /** Name of our file. */
  readonly name: string;
  /** `foreign`: there is one of that name that we did not write. */
  readonly state: "ours" | "foreign" | "missing";
  /** The file that runtimes take; null when there is none. */
  readonly first: string | null;
}

/**
 * Looks into the folders of all runtimes.
 * @param root what the node's own paths are below.
 * @throws HeadcniError `io-failure` when a folder or our file cannot be read.
 */
export function readConflists(loaded: LoadedSettings, root: string): ConflistView[] {
  const name = loaded.settings.cni.conflistName;
  return cniDirectories(loaded, root).map(({ confDirectory: directory, runtimes }) => {
    const names = readNames(directory).filter(isLoaded).sort();
    const state = names.includes(name) ? stateOf(join(directory, name)) : "missing";
    return { directory, runtimes, name, state, first: names[0] ?? null };
  });
}

function readNames(directory: string): string[] {
  return attempt(directory, () =>
    Array.from(Deno.readDirSync(directory))
      .filter(({ isDirectory }) => !isDirectory).map(({ name }) => name)) ?? [];
}

function stateOf(path: string): "ours" | "foreign" | "missing" {
  const text = attempt(path, () => Deno.readTextFileSync(path));
  if (text === undefined) return "missing";
  return isOwnConflist(text) ? "ours" : "foreign";
}

function attempt<Value>(path: string, read: () => Value): Value | undefined {
  try {
    return read();
  } catch (cause) {
    if (cause instanceof Deno.errors.NotFound) return undefined;
    const isDenied = cause instanceof Deno.errors.PermissionDenied;
    const seen = isDenied ? "it belongs to root, run this as root" : errorText(cause);
    throw new HeadcniError("io-failure", `Cannot read "${path}": ${seen}`, { cause });
  }
}
