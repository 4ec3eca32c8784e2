/** `headcni status`: the stores of this node, and who has which address. */
import type { Command } from "commander";
import type { Environment } from "../../lib/cni/environment.ts";
import { StoreError } from "../../lib/errors.ts";
import { readStatus } from "./read_status.ts";
import { outputOption, storeOption } from "./command_line.ts";
import { type OutputFormat, print } from "./print.ts";
import { formatStatus } from "./format_status.ts";
import { STORES_HELP } from "./stores.ts";

/** What `headcni status` is told. */
interface StatusOptions {
  readonly store?: string;
  readonly output: OutputFormat;
}

/** Defines the subcommand. */
export function define(status: Command, env: Environment): void {
  status
    .addOption(storeOption(STORES_HELP))
    .addOption(outputOption())
    .action((options: StatusOptions) => runStatus(options, env));
}

async function runStatus({ store, output }: StatusOptions, env: Environment): Promise<void> {
  const status = await readStatus(store, env);
  if (store !== undefined && !status.stores.some(({ exists }) => exists)) {
    throw new StoreError("store-failure", `Cannot show the store "${store}": there is none`);
  }
  await print(output, status, (screen) => formatStatus(status, Date.now(), screen));
}
