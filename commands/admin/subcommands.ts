/** The subcommands by name. Each is loaded when it is called: no other pays for it. */
import type { Command } from "commander";
import type { Environment } from "../../lib/cni/environment.ts";

/** What the module of a subcommand exports. */
interface SubcommandModule {
  /** Gives the command its options, arguments, verbs, help and action. */
  define(command: Command, env: Environment): void;
}

/** The subcommand that tells of all others. */
const COMPLETION = "completion";

/** In the order in which they are listed. */
const SUBCOMMANDS: readonly [
  name: string,
  description: string,
  load: () => Promise<SubcommandModule>,
][] = [
  ["status", "tell how this node is, on one screen", () => import("./status/status.ts")],
  ["stats", "tell what the stores and the daemon count", () => import("./stats.ts")],
  ["logs", "tell what daemon and plugins wrote", () => import("./logs/logs.ts")],
  ["metrics", "tell what the daemon measures, as monitors get it", () => import("./metrics.ts")],
  [
    "ipam",
    "tell who has which address, and what to do about it",
    () => import("./ipam/ipam.ts"),
  ],
  [
    "mesh",
    "tell how pods of other nodes are reached, and change that",
    () => import("./mesh/mesh.ts"),
  ],
  [
    "doctor",
    "tell what is wrong with this node, and what to do about it",
    () => import("./doctor/doctor.ts"),
  ],
  [
    "config",
    "tell the settings of the node daemon, and what is wrong with them",
    () => import("./config/config.ts"),
  ],
  ["uninstall", "take back what was put on this node", () => import("./uninstall.ts")],
  [
    COMPLETION,
    "print what completes commands in a shell",
    () => import("./completion/completion.ts"),
  ],
  ["version", "tell the release of this program", () => import("./version.ts")],
];

/**
 * Adds all subcommands to a command line.
 * @param called words that may be names: all other subcommands can only be listed.
 */
export async function addSubcommands(
  program: Command,
  env: Environment,
  called: readonly string[],
): Promise<void> {
  const isCalled = (name: string) => called.includes(name) || called.includes(COMPLETION);
  for (const [name, description, load] of SUBCOMMANDS) {
    const command = program.command(name).description(description);
    if (isCalled(name)) (await load()).define(command, env);
  }
}
