/** What one executable does under its many names: the file name wins, then the subcommand. */
import type { Environment } from "../lib/cni/environment.ts";

/** Roles that a container runtime calls. */
export type PluginRole = "cni" | "ipam" | "loopback";

/** Roles with a program of their own, which a plugin call does not load. */
export type ProgramRole = "daemon" | "admin" | "store-check";

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
 * Chooses the role: by file name, else by subcommand, else the network plugin. Under whatever name a
 * plugin was called, `HEADCNI_ROLE` lets it start itself as `store-check`.
 * @param program path or URL by which the executable was called, symlinks not resolved.
 * @param env with `CNI_COMMAND`, `headcni ipam` is a plugin, otherwise the admin's subcommand.
 */
export function chooseRole(
  program: string,
  args: readonly string[],
  env: Environment,
): Invocation {
  if (env.HEADCNI_ROLE === "store-check") return { role: "store-check", args };
  const named = ROLE_BY_NAME.get(program.slice(program.lastIndexOf("/") + 1));
  if (named) return { role: named, args };
  const [subcommand, ...rest] = args;
  if (subcommand === undefined) return { role: "cni", args };
  if (subcommand === "cni") return { role: "cni", args: rest };
  if (subcommand === "ipam" && env.CNI_COMMAND) return { role: "ipam", args: rest };
  if (subcommand === "daemon") return { role: "daemon", args: rest };
  if (/^--metrics-(?:port|path)(?:=|$)/.test(subcommand)) return { role: "daemon", args };
  return { role: "admin", args };
}

/** Tells roles that a container runtime calls from the others. */
export function isPluginRole(role: Invocation["role"]): role is PluginRole {
  return role === "cni" || role === "ipam" || role === "loopback";
}
