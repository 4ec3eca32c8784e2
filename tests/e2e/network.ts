/** Networks of a runtime's tests: conflists of our plugin and its neighbours. */
import { join } from "@std/path";

/** Where Debian installs the reference plugins. */
export const DEBIAN_PLUGINS = "/usr/lib/cni";

/** A network as `net.d` holds it. */
export interface Network {
  readonly name: string;
  readonly plugins: readonly Readonly<Record<string, unknown>>[];
}

/** A plugin of type `headcni` for a conflist. */
export function headcni(
  subnet: string,
  keys: Readonly<Record<string, unknown>> = {},
): Record<string, unknown> {
  return { type: "headcni", ipam: { type: "headcni-ipam", subnet }, ...keys };
}

/**
 * Writes a conflist in one step, for runtimes watch the directory. Its draft is there too: containerd
 * looks again when a file of the directory gets a new name, not when one comes from elsewhere. Store
 * and log are named in it and not in the environment, which not every process that calls plugins
 * inherits.
 * @param folder of the machine: holds store and log.
 * @param directory of the conflists.
 */
export async function writeConflist(
  folder: string,
  directory: string,
  { name, plugins: given }: Network,
): Promise<void> {
  const ours = { dataDir: join(folder, "state"), logFile: join(folder, "plugin.log") };
  const plugins = given.map((keys) => keys.type === "headcni" ? { ...keys, ...ours } : keys);
  const draft = join(directory, `.${name}.draft`);
  await Deno.writeTextFile(draft, JSON.stringify({ cniVersion: "1.0.0", name, plugins }));
  await Deno.rename(draft, join(directory, `${name}.conflist`));
}
