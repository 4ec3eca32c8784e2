/** Debian's host-local, called on a directory of a test's own. */
import { callEnvironment, configText, type IpamCall } from "./ipam_node.ts";
import { type ProgramOutcome, runProgram } from "./program.ts";
import { isFile } from "./shipped.ts";

const EXECUTABLE = "/usr/lib/cni/host-local";

/** Whom the addresses belong to that are kept back; no container of a test has such a name. */
const KEEPER = "keeper";

/** Why tests beside host-local must be skipped; empty when it is there. */
export function missingHostLocal(): string {
  return isFile(EXECUTABLE) ? "" : `needs ${EXECUTABLE}: apt install containernetworking-plugins`;
}

/**
 * The plugin and its state: a file for each address that is taken, and `last_reserved_ip.N` for the
 * address that was given last from range set N.
 */
export class HostLocal {
  readonly #directory: string;
  readonly #network: string;

  /** @param directory its `dataDir`. */
  constructor(directory: string, network: string) {
    this.#directory = directory;
    this.#network = network;
  }

  call(call: IpamCall): Promise<ProgramOutcome> {
    return runProgram({
      executable: EXECUTABLE,
      env: callEnvironment(call),
      stdin: configText(call, "host-local", this.#directory),
    });
  }

  /** Runs `fn` while nobody can have these addresses. */
  async keepBack<T>(addresses: readonly string[], fn: () => Promise<T>): Promise<T> {
    const free = addresses.map((address) => this.#path(address)).filter((path) => !isFile(path));
    await Deno.mkdir(this.#path(""), { recursive: true });
    for (const path of free) await Deno.writeTextFile(path, `${KEEPER}\r\neth0`);
    try {
      return await fn();
    } finally {
      for (const path of free) await Deno.remove(path);
    }
  }

  /** The address that was given last from each range set, by the names of the files that tell. */
  async cursors(): Promise<ReadonlyMap<string, string>> {
    const cursors = new Map<string, string>();
    if (!isDirectory(this.#path(""))) return cursors;
    for await (const { name } of Deno.readDir(this.#path(""))) {
      if (!name.startsWith("last_reserved_ip.")) continue;
      cursors.set(name, await Deno.readTextFile(this.#path(name)));
    }
    return cursors;
  }

  /** Sets the cursors as they were; answers whether any was different. */
  async restoreCursors(wanted: ReadonlyMap<string, string>): Promise<boolean> {
    const now = await this.cursors();
    for (const name of now.keys()) if (!wanted.has(name)) await Deno.remove(this.#path(name));
    for (const [name, text] of wanted) await Deno.writeTextFile(this.#path(name), text);
    return now.size !== wanted.size || [...now].some(([name, text]) => wanted.get(name) !== text);
  }

  #path(name: string): string {
    return `${this.#directory}/${this.#network}/${name}`;
  }
}

function isDirectory(path: string): boolean {
  try {
    return Deno.statSync(path).isDirectory;
  } catch {
    return false;
  }
}
