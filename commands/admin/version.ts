/** `headcni version`: which release this is. */
import type { Command } from "commander";
import { VERSION } from "../../lib/version.ts";

/** Defines the subcommand. */
export function define(version: Command): void {
  version.action(() => console.log(`headcni ${VERSION}`));
}
