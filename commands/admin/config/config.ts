/** `headcni config`: the settings of the node daemon. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { addExplain } from "./explain.ts";
import { addShow } from "./show.ts";
import { addValidate } from "./validate.ts";

/** Defines the subcommand and its verbs. */
export function define(config: Command, env: Environment): void {
  config.usage("SUBCOMMAND [OPTIONS]");
  for (const add of [addValidate, addShow, addExplain]) add(config, env);
}
