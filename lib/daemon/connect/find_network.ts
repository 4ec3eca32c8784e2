/** The network that a runtime of this node gives to pods. */
import { join } from "@std/path";
import { type NetworkList, parseNetworkList } from "../../delegate/network_list.ts";
import { ClientError, errorText, HeadcniError } from "../../errors.ts";
import type { CniDirectories } from "../../node/cni_directories.ts";
import { isLoaded } from "../../node/conf_directory.ts";
import { isOwnConflist } from "../../node/conflist.ts";

/** A network, and the file that it is of. */
export interface FoundNetwork {
  readonly file: string;
  readonly list: NetworkList;
}

/**
 * Finds the first configuration of the first folder that has any, as runtimes do, and our plugin in it.
 * @throws HeadcniError when there is none; ClientError when it is somebody else's; ConfigError when no
 * runtime could use it.
 */
export function findNetwork(directories: readonly CniDirectories[]): FoundNetwork {
  for (const { confDirectory, installDirectories, path } of directories) {
    const [name] = filesOf(confDirectory).filter(isLoaded).sort();
    if (name === undefined) continue;
    const file = join(confDirectory, name);
    const text = readText(file);
    const list = parseNetworkList(text, file, [...new Set([...installDirectories, ...path])]);
    if (isOwnConflist(text) || isOurs(list)) return { file, list };
    throw new ClientError("unavailable", `Cannot use "${file}": it comes first, and is not ours`);
  }
  const folders = directories.map(({ confDirectory }) => confDirectory).join('", "');
  throw new HeadcniError("unavailable", `Cannot find a network configuration in "${folders}"`);
}

/** One that was written by hand. */
function isOurs({ plugins }: NetworkList): boolean {
  return plugins.some(({ type }) => type === "headcni");
}

function filesOf(directory: string): string[] {
  try {
    return Array.from(Deno.readDirSync(directory), ({ name }) => name);
  } catch (error) {
    if (error instanceof Deno.errors.NotFound) return [];
    throw new HeadcniError("io-failure", `Cannot list "${directory}": ${errorText(error)}`);
  }
}

function readText(file: string): string {
  try {
    return Deno.readTextFileSync(file);
  } catch (cause) {
    throw new HeadcniError("io-failure", `Cannot read "${file}": ${errorText(cause)}`, { cause });
  }
}
