/** The admin command line. Not there yet: `install`. */
import type { Command } from "commander";
import type { Environment } from "../../lib/cni/environment.ts";
import { VERSION } from "../../lib/version.ts";
import { addDoctor } from "./doctor/doctor.ts";
import { newProgram, runProgram } from "./command_line.ts";
import { addConfig } from "./config/config.ts";
import { addIpam } from "./ipam/ipam.ts";
import { addMesh } from "./mesh/mesh.ts";
import { addStatus } from "./status.ts";
import { addUninstall } from "./uninstall.ts";

const RELEASE = `headcni ${VERSION}`;

/**
 * Runs a subcommand and prints what it answers.
 * @param args what follows the program's name; nothing asks for help.
 * @returns the exit code: 0, 1 for a failure, 2 for a command line that must be changed.
 */
export function main(args: readonly string[], env: Environment): Promise<number> {
  return runProgram(adminProgram(env), args.length === 0 ? ["help"] : args);
}

function adminProgram(env: Environment): Command {
  const program = newProgram("headcni")
    .usage("SUBCOMMAND [OPTIONS]")
    .description(`${RELEASE}: networks for pods`)
    .version(RELEASE, "-V, --version", "tell the release of this program")
    .helpCommand("help [SUBCOMMAND]", "tell how a subcommand is used")
    .addHelpText(
      "after",
      `
"headcni SUBCOMMAND --help" tells the options. A container runtime calls headcni without arguments
and with CNI_COMMAND set: then it is a CNI plugin.`,
    );
  addStatus(program, env);
  addIpam(program, env);
  addMesh(program, env);
  addDoctor(program, env);
  addConfig(program, env);
  addUninstall(program, env);
  program.command("version").description("tell the release of this program")
    .action(() => console.log(RELEASE));
  return program;
}
