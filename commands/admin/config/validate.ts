/** `headcni config validate`: whether a file of settings can be used. */
import type { Command } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { formatFault } from "../../../lib/daemon/settings/given.ts";
import {
  DEFAULT_SETTINGS_PATH,
  type Examination,
  examineSettings,
} from "../../../lib/daemon/settings/load.ts";
import { readFlags } from "../../../lib/daemon/settings/read_flags.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { outputOption } from "../command_line.ts";
import { type OutputFormat, print } from "../print.ts";

const HELP = `
The file is judged alone, without the environment and flags of the daemon. Every fault is told with
its line, and then the exit code is 2. FILE is $HEADCNI_CONFIG or ${DEFAULT_SETTINGS_PATH}
unless given.

JSON: {"file", "faults": [{"where": "file:line", "key", "text"}], "warnings": [text]}

Examples:
  headcni config validate
  headcni config validate /etc/headcni/daemon.yaml --output json`;

/** Adds the verb `validate`. */
export function addValidate(config: Command, env: Environment): void {
  config.command("validate")
    .description("tell whether the daemon can use a file")
    .argument("[file]", "the file of settings")
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action(async (named: string | undefined, { output }: { output: OutputFormat }) => {
      const file = named ?? (env.HEADCNI_CONFIG || DEFAULT_SETTINGS_PATH);
      const examined = examineSettings({ line: { ...readFlags([]), configPath: file }, env: {} });
      const { faults, warnings } = examined;
      await print(output, { file, faults, warnings }, () => formatExamination(file, examined));
      requireSound(file, faults.length);
    });
}

function formatExamination(file: string, { faults, warnings }: Examination): string {
  const told = [
    ...faults.map(formatFault),
    ...warnings.map((warning) => `warning: ${warning}`),
  ];
  return [...told, ...faults.length === 0 ? [`${file}: sound`] : []].join("\n");
}

function requireSound(file: string, count: number): void {
  if (count === 0) return;
  const faults = count === 1 ? "1 fault" : `${count} faults`;
  throw new ConfigError("invalid-config", `Cannot use "${file}": ${faults}`);
}
