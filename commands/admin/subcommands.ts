/** The subcommands by name. Each is loaded when it is called: no other pays for it. */
import type { Command } from "commander";
import type { Environment } from "../../lib/cni/environment.ts";
import type { NodeTarget } from "./cluster/target.ts";

/** What the module of a subcommand exports. */
interface SubcommandModule {
  /**
   * Gives the command its options, arguments, verbs, help and action.
   * @param target nodes that it is for, if it is one that runs here for others.
   */
  define(command: Command, env: Environment, target?: NodeTarget): void;
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
    "connect-test",
    "try whether pods reach each other, their node, other nodes and the outside",
    () => import("./connect_test/command.ts"),
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
  ["install", "put this program on the node, and have it run", () => import("./install.ts")],
  [
    "upgrade",
    "put this program in the place of the one that is installed",
    () => import("./upgrade.ts"),
  ],
  ["uninstall", "take back what was put on this node", () => import("./uninstall.ts")],
  [
    "backup",
    "write all that is ours on this node into one file",
    () => import("./backup/backup.ts"),
  ],
  ["restore", "put back on this node what a backup has", () => import("./backup/restore.ts")],
  [
    "diagnostics",
    "collect what a maintainer asks for into one file, without secrets",
    () => import("./diagnostics/command.ts"),
  ],
  [
    "cluster",
    "put HeadCNI on the nodes of a cluster, and see how they are",
    () => import("./cluster/cluster.ts"),
  ],
  [
    COMPLETION,
    "print what completes commands in a shell",
    () => import("./completion/completion.ts"),
  ],
  ["version", "tell the release of this program", () => import("./version.ts")],
];

/** What subcommands are added for. */
export interface SubcommandCall {
  readonly env: Environment;
  readonly target: NodeTarget | undefined;
  /** Words that may be names: all other subcommands can only be listed. */
  readonly called: readonly string[];
}

/** Adds all subcommands to a command line. */
export async function addSubcommands(
  program: Command,
  { env, target, called }: SubcommandCall,
): Promise<void> {
  const isCalled = (name: string) => called.includes(name) || called.includes(COMPLETION);
  for (const [name, description, load] of SUBCOMMANDS) {
    const command = program.command(name).description(description);
    if (isCalled(name)) (await load()).define(command, env, target);
  }
}
