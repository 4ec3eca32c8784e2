/** The admin command line. */
import type { Command } from "commander";
import type { Environment } from "../../lib/cni/environment.ts";
import { VERSION } from "../../lib/version.ts";
import { newProgram, runProgram } from "./command_line.ts";
import { addSubcommands } from "./subcommands.ts";

const RELEASE = `headcni ${VERSION}`;

/**
 * Runs a subcommand and prints what it answers.
 * @param args what follows the program's name; nothing asks for help.
 * @returns the exit code: 0, 1 for a failure, 2 for a command line that must be changed.
 */
export async function main(args: readonly string[], env: Environment): Promise<number> {
  const program = adminProgram();
  await addSubcommands(program, env, args);
  return await runProgram(program, args.length === 0 ? ["help"] : args);
}

function adminProgram(): Command {
  return newProgram("headcni")
    .usage("SUBCOMMAND [OPTIONS]")
    .description(`${RELEASE}: networks for pods`)
    .version(RELEASE, "-V, --version", "tell the release of this program")
    .helpCommand("help [SUBCOMMAND]", "tell how a subcommand is used")
    .addHelpText(
      "after",
      `
"headcni SUBCOMMAND --help" tells the options. A container runtime calls headcni without arguments
and with CNI_COMMAND set: then it is a CNI plugin. "headcni daemon" is the node daemon.`,
    );
}
