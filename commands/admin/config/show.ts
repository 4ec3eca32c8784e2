/** `headcni config show`: the settings as the daemon would have them. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { DEFAULT_SETTINGS_PATH, loadSettings } from "../../../lib/daemon/settings/load.ts";
import { readFlags } from "../../../lib/daemon/settings/read_flags.ts";
import { formatSettings, tellSettings } from "../../../lib/daemon/settings/tell.ts";
import { outputOption } from "../command_line.ts";
import { type OutputFormat, print } from "../print.ts";

const HELP = `
What is told comes from the file, the environment of this command and the defaults, each with a
comment that says from which; the whole is a file that the daemon could read. Secrets are not shown.
FILE is $HEADCNI_CONFIG or ${DEFAULT_SETTINGS_PATH} unless given.

JSON: {"file", "settings": [{"key", "value", "isSet", "isSecret", "from"}], "warnings": [text]}

Examples:
  headcni config show
  headcni config show /etc/headcni/daemon.yaml --output json`;

/** Adds the verb `show`. */
export function addShow(config: Command, env: Environment): void {
  config.command("show")
    .description("tell every setting and where it comes from")
    .argument("[file]", "the file of settings")
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action(async (configPath: string | undefined, { output }: { output: OutputFormat }) => {
      const loaded = loadSettings({ line: { ...readFlags([]), configPath }, env });
      const { file = null, warnings, origins } = loaded;
      const settings = tellSettings(loaded.settings, origins);
      await print(output, { file, settings, warnings }, () => formatSettings(settings));
      if (output === "table") warnings.forEach((warning) => console.error(`warning: ${warning}`));
    });
}
