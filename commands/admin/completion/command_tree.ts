/** A command line as data: what may stand where. */
import type { Command, Option } from "commander";

/** A command, with its subcommands. */
export interface CommandNode {
  /** The names that lead to it, the program's first, with blanks: `headcni ipam ls`. */
  readonly place: string;
  readonly name: string;
  readonly description: string;
  readonly options: readonly OptionNode[];
  /** What its first argument may be; none when that is anything. */
  readonly choices: readonly string[];
  /** True when its first argument is a file or folder. */
  readonly takesFile: boolean;
  readonly children: readonly CommandNode[];
}

/** An option. */
export interface OptionNode {
  /** As they are typed, such as `--output` and `-o`. */
  readonly flags: readonly string[];
  readonly description: string;
  /** What stands behind it. */
  readonly value: "none" | "file" | "other";
  /** What that may be; none when it is anything. */
  readonly choices: readonly string[];
}

/** Options that a command takes beside its own, by the names that lead to it, without the program's. */
export type AddedOptions = (names: readonly string[]) => readonly Option[];

/** The tree below a command; what its help does not show is left out. */
export function commandTree(
  command: Command,
  added: AddedOptions = () => [],
  above: string[] = [],
): CommandNode {
  const help = command.createHelp();
  const [argument] = command.registeredArguments;
  const path = [...above, command.name()];
  const children = help.visibleCommands(command);
  const names = children.map((child) => child.name());
  return {
    place: path.join(" "),
    name: command.name(),
    description: command.description(),
    options: [...help.visibleOptions(command), ...added(path.slice(1))].map(optionNode),
    choices: argument?.argChoices ?? [],
    takesFile: /^(file|path|dir)$/.test(argument?.name() ?? ""),
    children: children.map((child) => {
      const node = commandTree(child, added, path);
      return child.name() === "help" ? { ...node, choices: names } : node;
    }),
  };
}

/** The command and all below it. */
export function allNodes(node: CommandNode): CommandNode[] {
  return [node, ...node.children.flatMap(allNodes)];
}

/** What may stand at a place, and is no option. */
export function wordsOf({ children, choices }: CommandNode): string[] {
  return [...children.map(({ name }) => name), ...choices];
}

/** A case of what stands behind an option. */
export interface ValueCase {
  /** Places with an option behind them: `headcni ipam ls --output`. */
  readonly places: readonly string[];
  readonly option: OptionNode;
}

/** Every option that takes a value, wherever it may stand. */
export function valueCases(tree: CommandNode): ValueCase[] {
  return allNodes(tree).flatMap(({ place, options }) =>
    options.filter(({ value }) => value !== "none")
      .map((option) => ({ places: option.flags.map((flag) => `${place} ${flag}`), option }))
  );
}

function optionNode(option: Option): OptionNode {
  const takesValue = option.required || option.optional;
  return {
    flags: [option.long, option.short].filter((flag) => flag !== undefined && flag !== null),
    description: option.description,
    value: !takesValue ? "none" : /<(dir|file|path)>/.test(option.flags) ? "file" : "other",
    choices: option.argChoices ?? [],
  };
}
