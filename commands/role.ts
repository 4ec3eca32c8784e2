/** What one executable does under its many names: the file name wins, then the subcommand. */

/** Roles that a container runtime calls. */
export type PluginRole = "cni" | "ipam" | "loopback";

/** Roles with a program of their own, which a plugin call does not load. */
export type ProgramRole = "daemon" | "admin";

/** A role and the arguments that are left for it. */
export interface Invocation {
  readonly role: PluginRole | ProgramRole;
  readonly args: readonly string[];
}

/** Names that settle the role; `ipam-cni` and `ipam-plugin` are those of an older system. */
const ROLE_BY_NAME: ReadonlyMap<string, Invocation["role"]> = new Map<string, Invocation["role"]>([
  ["headcni-ipam", "ipam"],
  ["ipam-plugin", "ipam"],
  ["ipam-cni", "cni"],
  ["loopback", "loopback"],
  ["headcni-daemon", "daemon"],
]);

/**
 * Chooses the role: by file name, else by subcommand, else the network plugin.
 * @param program path or URL by which the executable was called, symlinks not resolved.
 * @param isPluginCall true when `CNI_COMMAND` is set: `headcni ipam` is a plugin then, otherwise
 * the admin's subcommand.
 */
export function chooseRole(
  program: string,
  args: readonly string[],
  isPluginCall: boolean,
): Invocation {
  const named = ROLE_BY_NAME.get(program.slice(program.lastIndexOf("/") + 1));
  if (named) return { role: named, args };
  const [subcommand, ...rest] = args;
  if (subcommand === undefined) return { role: "cni", args };
  if (subcommand === "cni") return { role: "cni", args: rest };
  if (subcommand === "ipam" && isPluginCall) return { role: "ipam", args: rest };
  if (subcommand === "daemon") return { role: "daemon", args: rest };
  if (subcommand.startsWith("--metrics-port")) return { role: "daemon", args };
  return { role: "admin", args };
}
