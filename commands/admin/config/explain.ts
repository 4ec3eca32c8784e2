/** `headcni config explain`: what a setting is. */
import type { Command } from "commander";
import { explainSettings, type Explanation } from "../../../lib/daemon/settings/explain.ts";
import { outputOption } from "../command_line.ts";
import { type OutputFormat, print } from "../print.ts";
import type { Screen } from "../screen.ts";
import { formatRows } from "../table.ts";

const HELP = `
KEY is a setting, a section, a flag or an environment variable; without it all settings are told.
A flag wins over a variable, that over the file, that over the default.

JSON: {"settings": [{"key", "doc", "wanted", "default", "keys", "variables", "lastVariables",
  "flags"}]}

Examples:
  headcni config explain network.podCIDR
  headcni config explain METRICS_PORT -o json`;

/** Adds the verb `explain`. */
export function addExplain(config: Command): void {
  config.command("explain")
    .description("tell what a setting is, its default and its names")
    .argument("[key]", "a setting, such as network.mtu")
    .addOption(outputOption())
    .addHelpText("after", HELP)
    .action(async (key: string | undefined, { output }: { output: OutputFormat }) => {
      const settings = explainSettings(key ?? "");
      await print(
        output,
        { settings },
        (screen) => settings.map((one) => formatExplanation(one, screen)).join("\n\n"),
      );
    });
}

function formatExplanation(one: Explanation, screen: Screen): string {
  const rows: [string, readonly string[]][] = [
    ["  value", [one.wanted]],
    ["  default", [one.default ?? "none"]],
    ["  file", one.keys],
    ["  flag", one.flags],
    ["  variable", [...one.variables, ...one.lastVariables.map(asLast)]],
  ];
  const filled = rows.filter(([, values]) => values.length > 0);
  return [
    screen.heading(one.key),
    `  ${one.doc}`,
    formatRows(filled.map(([name, values]) => [name, values.join(", ")]), screen),
  ].join("\n");
}

function asLast(variable: string): string {
  return `${variable} (only where nobody else gives it)`;
}
