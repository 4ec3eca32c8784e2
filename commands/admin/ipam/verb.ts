/** What the verbs of `headcni ipam` share on the command line. */
import { type Command, Option } from "commander";
import { outputOption, storeOption } from "../command_line.ts";
import type { OutputFormat } from "../print.ts";
import { STORES_HELP } from "../stores.ts";

/** Options of every verb that looks at stores. */
export interface VerbOptions {
  readonly store?: string;
  readonly network?: string;
  readonly output: OutputFormat;
}

/** Adds a verb that looks at all stores unless one is named. */
export function addVerb(ipam: Command, usage: string, description: string): Command {
  return ipam.command(usage)
    .description(description)
    .addOption(storeOption(STORES_HELP))
    .addOption(new Option("--network <name>", "only this network (default: all)"))
    .addOption(outputOption());
}
