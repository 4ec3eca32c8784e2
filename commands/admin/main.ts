/** The admin command line. Not there yet: `ipam`, `mesh`, `doctor`, `install`. */
import type { Environment } from "../../lib/cni/environment.ts";
import { ConfigError, errorText } from "../../lib/errors.ts";
import { nearestWord } from "../../lib/nearest.ts";
import { VERSION } from "../../lib/version.ts";
import { runStatus } from "./status.ts";

/** Exit codes. */
const DONE = 0;
const FAILED = 1;
const MISUSED = 2;

const USAGE = `headcni ${VERSION}: networks for pods

Usage: headcni SUBCOMMAND [OPTIONS]

  status    the stores of this node, and who has which address
  version   the release of this program
  help      this text

"headcni SUBCOMMAND --help" tells the options. A container runtime calls headcni without
arguments and with CNI_COMMAND set: then it is a CNI plugin.`;

/** Answers what a subcommand prints. */
type Subcommand = (args: readonly string[], env: Environment) => string | Promise<string>;

const SUBCOMMANDS: ReadonlyMap<string, Subcommand> = new Map<string, Subcommand>([
  ["status", runStatus],
  ["version", () => `headcni ${VERSION}`],
  ["help", () => USAGE],
]);

/** Other ways to say a subcommand. */
const SYNONYMS: Readonly<Record<string, string>> = {
  "--help": "help",
  "-h": "help",
  "--version": "version",
  "-V": "version",
};

/**
 * Runs a subcommand and prints what it answers.
 * @param args what follows the program's name.
 * @returns the exit code: 0, 1 for a failure, 2 for a command line that must be changed.
 */
export async function main(args: readonly string[], env: Environment): Promise<number> {
  try {
    const [name = "help", ...rest] = args;
    console.log(await findSubcommand(name)(rest, env));
    return DONE;
  } catch (error) {
    console.error(`headcni: ${errorText(error)}`);
    return error instanceof ConfigError ? MISUSED : FAILED;
  }
}

function findSubcommand(name: string): Subcommand {
  const subcommand = SUBCOMMANDS.get(SYNONYMS[name] ?? name);
  if (subcommand) return subcommand;
  const nearest = nearestWord(name, [...SUBCOMMANDS.keys()]);
  throw new ConfigError(
    "invalid-config",
    `Cannot run "${name}": no such subcommand; ` +
      (nearest ? `did you mean "${nearest}"?` : '"headcni help" tells which there are'),
  );
}
