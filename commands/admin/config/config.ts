/** `headcni config`: the settings of the node daemon. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { addExplain } from "./explain.ts";
import { addShow } from "./show.ts";
import { addValidate } from "./validate.ts";

/** Adds the subcommand `config` and its verbs. */
export function addConfig(program: Command, env: Environment): void {
  const config = program.command("config")
    .usage("SUBCOMMAND [OPTIONS]")
    .description("tell the settings of the node daemon, and what is wrong with them");
  for (const add of [addValidate, addShow, addExplain]) add(config, env);
}
