/** The help text of `headcni daemon`. */
import { ENTRIES, type Entry } from "./catalogue.ts";
import { explain } from "./explain.ts";
import { DEFAULT_SETTINGS_PATH } from "./load.ts";
import { isSwitch } from "./read_flags.ts";

/** Columns of a help text, on any terminal. */
const HELP_WIDTH = 100;
/** Where the text behind a flag begins. */
const TEXT_COLUMN = 6;

const HEAD = `Usage: headcni daemon [OPTIONS]

keep this node ready for pods

Options:
  --config <path>
      the file of settings; also $HEADCNI_CONFIG (default: ${DEFAULT_SETTINGS_PATH})
  --print-config
      tell every setting and where it comes from, and end
  -V, --version
      tell the release of this program
  -h, --help
      tell how it is used

Settings: a flag wins over a variable, that over the file, that over the default. What is on or off
takes --name, --name=false and --no-name. "headcni config explain" tells more.

`;

/** The whole text, of the schema. */
export function daemonHelp(): string {
  return HEAD + ENTRIES.flatMap(formatFlag).join("\n");
}

function formatFlag(entry: Entry): string[] {
  const { flags, doc, variables, lastVariables, ...rest } = explain(entry);
  const names = [...variables, ...lastVariables].map((name) => `$${name}`);
  if (flags.length === 0) return [];
  const { placeholder } = entry.setting.kind;
  const value = isSwitch(entry) ? "" : ` <${placeholder.toLowerCase()}>`;
  const facts = [
    ...rest.default === null ? [] : [`default: ${rest.default}`],
    ...names.length === 0 ? [] : [names.join(", ")],
  ];
  const text = facts.length === 0 ? doc : `${doc} (${facts.join("; ")})`;
  return [`  ${flags.join(", ")}${value}`, ...wrap(text)];
}

function wrap(text: string): string[] {
  const lines: string[] = [];
  let line = " ".repeat(TEXT_COLUMN - 1);
  for (const word of text.split(" ")) {
    if (line.length + 1 + word.length > HELP_WIDTH) {
      lines.push(line);
      line = " ".repeat(TEXT_COLUMN - 1);
    }
    line += ` ${word}`;
  }
  return [...lines, line];
}
