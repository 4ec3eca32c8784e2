import { ClientError, ConfigError } from "../errors.ts";

/** Ourselves under all our names: what we would do as a child, callers do in our own process. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  "headcni",
  "headcni-ipam",
  "headcni-daemon",
  "ipam-cni",
  "ipam-plugin",
]);

/**
 * Finds a plugin as runtimes do: the first regular file of that name (symlinks count) in the
 * directories of `CNI_PATH`, SPEC.md section 4.
 * @throws ConfigError when `type` is no bare file name, or ourselves; ClientError when there is
 * no such file.
 */
export function findPlugin(type: string, path: readonly string[]): string {
  if (isOwnName(type)) {
    throw new ConfigError("invalid-config", `Cannot run plugin "${type}": it would call itself`);
  }
  return findExecutable(type, path);
}

/** {@linkcode findPlugin} that finds ourselves, too. */
export function findExecutable(type: string, path: readonly string[]): string {
  if (!/^[^/\0]+$/.test(type) || type === "." || type === "..") {
    throw new ConfigError(
      "invalid-config",
      `Cannot run plugin "${type}": a file name without a directory wanted`,
    );
  }
  const found = path.map((directory) => `${directory}/${type}`).find(isFile);
  if (found) return found;
  throw new ClientError(
    "delegate-failure",
    `Cannot find plugin "${type}": no directory of CNI_PATH "${path.join(":")}" has it`,
  );
}

/** True for the names of ourselves, whom nobody calls as a child. */
export function isOwnName(type: string): boolean {
  return OWN_NAMES.has(type);
}

function isFile(path: string): boolean {
  try {
    return Deno.statSync(path).isFile;
  } catch {
    return false;
  }
}
