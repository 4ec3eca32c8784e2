/** `headcni ipam`: who has which address, and what to do about it. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";

/** Adds the subcommand `ipam` and its verbs. */
export function addIpam(program: Command, _env: Environment): void {
  program.command("ipam").usage("SUBCOMMAND [OPTIONS]")
    .description("tell who has which address, and what to do about it");
}
