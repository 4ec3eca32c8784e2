/** `headcni version`: which release this is, and what runs it. */
import type { Command } from "commander";
import { VERSION } from "../../lib/version.ts";
import { outputOption } from "./command_line.ts";
import { type OutputFormat, print } from "./print.ts";

/** A build puts the commit that it is made of in the place of this. */
const COMMIT = "{commit of the build}";

const HELP = `
JSON: {"release", "commit", "form": "executable"|"script"|"source", "deno", "platform"}; commit is null
when it is not known

Examples:
  headcni version
  headcni version --output json | jq -r .commit`;

/** Defines the subcommand. */
export function define(version: Command): void {
  version
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action(async ({ output }: { output: OutputFormat }) => {
      const value = {
        release: VERSION,
        commit: COMMIT.startsWith("{") ? null : COMMIT,
        form: form(),
        deno: Deno.version.deno,
        platform: Deno.build.target,
      };
      await print(output, value, () => `headcni ${VERSION}`);
    });
}

/** `deno compile` made one file, `deno task build` a script with bundles, or it is our source. */
function form(): "executable" | "script" | "source" {
  if (Deno.build.standalone) return "executable";
  return import.meta.url.endsWith(".ts") ? "source" : "script";
}
