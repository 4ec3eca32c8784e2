/** What the command lines of people share: how they are read, refused and explained. */
import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { ConfigError, errorText, HeadcniError } from "../../lib/errors.ts";
import { OUTPUT_FORMATS } from "./print.ts";

/** Exit codes. */
const DONE = 0;
const FAILED = 1;
const MISUSED = 2;

/** Columns of a help text, on any terminal. */
const HELP_WIDTH = 100;

/** A command line without subcommands and options yet. */
export function newProgram(name: string): Command {
  return new Command(name)
    .exitOverride()
    .helpOption("-h, --help", "tell how it is used")
    .configureOutput({
      writeOut: (text) => console.log(text.trimEnd()),
      writeErr: (text) => console.error(text.trimEnd()),
      outputError: (text, write) => write(`${name}: ${misuseText(text)}`),
      getOutHelpWidth: () => HELP_WIDTH,
      getErrHelpWidth: () => HELP_WIDTH,
      // There are no colours in it, and to ask or look for them would load modules of Node.
      getOutHasColors: () => false,
      getErrHasColors: () => false,
      stripColor: (text) => text,
    })
    .configureHelp({ displayWidth: ({ length }) => length })
    .showHelpAfterError("--help tells how it is used");
}

/**
 * Runs what a command line asks for, and prints why that cannot be done.
 * @returns the exit code: 0, 1 for a failure, 2 for what the caller must change.
 */
export function runProgram(program: Command, args: readonly string[]): Promise<number> {
  return guard(program.name(), async () => {
    await program.parseAsync(args, { from: "user" });
    return DONE;
  });
}

/** Does something that answers an exit code, and prints why that cannot be done. */
export async function guard(name: string, act: () => Promise<number>): Promise<number> {
  try {
    return await act();
  } catch (error) {
    // It has said what is wrong itself.
    if (error instanceof CommanderError) return error.exitCode === 0 ? DONE : MISUSED;
    console.error(`${name}: ${errorText(error)}`);
    if (error instanceof HeadcniError && error.details) console.error(error.details);
    return error instanceof ConfigError ? MISUSED : FAILED;
  }
}

/** `--store DIR`: the only store that is worked on. */
export function storeOption(description: string): Option {
  return new Option("--store <dir>", description).argParser(absolutePath);
}

/** `--output table|json|yaml`: how {@linkcode print} prints. */
export function outputOption(): Option {
  return new Option("-o, --output <format>", "for people or for programs")
    .choices([...OUTPUT_FORMATS]).default("table");
}

function absolutePath(path: string): string {
  if (path.startsWith("/")) return path;
  throw new InvalidArgumentError("An absolute path is wanted.");
}

/** One line of what commander says in two, without its `error: `. */
function misuseText(text: string): string {
  return text.trimEnd().replace(/^error: /, "").replace(/\n\(Did (.*)\)$/, "; did $1");
}
