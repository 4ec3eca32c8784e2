/** The admin command line. */
import type { Command } from "commander";
import type { Environment } from "../../lib/cni/environment.ts";
import { VERSION } from "../../lib/version.ts";
import { takeTarget, TARGET_HELP } from "./cluster/target.ts";
import { guard, newProgram, runProgram } from "./command_line.ts";
import { addSubcommands } from "./subcommands.ts";

const NAME = "headcni";
const RELEASE = `${NAME} ${VERSION}`;

/** Commands that see more from a workstation than on each node. */
const WORKS_FROM_AFAR: readonly string[] = ["connect-test", "diagnostics"];

/**
 * Runs a subcommand and prints what it answers.
 * @param args what follows the program's name; nothing asks for help.
 * @returns the exit code: 0, 1 for a failure, 2 for a command line that must be changed.
 */
export function main(args: readonly string[], env: Environment): Promise<number> {
  return guard(NAME, async () => {
    const { target, rest } = takeTarget(args, env);
    const isHere = WORKS_FROM_AFAR.includes(rest[0] ?? "") || rest.includes("--help");
    if (target && !isHere) {
      const { runOnNodes } = await import("./cluster/run_on_nodes.ts");
      return await runOnNodes(target, rest);
    }
    const program = adminProgram();
    await addSubcommands(program, { env, target, called: rest });
    return await runProgram(program, rest.length === 0 ? ["help"] : rest);
  });
}

function adminProgram(): Command {
  return newProgram(NAME)
    .usage("SUBCOMMAND [OPTIONS]")
    .description(`${RELEASE}: networks for pods`)
    .version(RELEASE, "-V, --version", "tell the release of this program")
    .helpCommand("help [SUBCOMMAND]", "tell how a subcommand is used")
    .addHelpText(
      "after",
      `
"headcni SUBCOMMAND --help" tells the options. A container runtime calls headcni without arguments
and with CNI_COMMAND set: then it is a CNI plugin. "headcni daemon" is the node daemon.
${TARGET_HELP}`,
    );
}
