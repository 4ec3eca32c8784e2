/** The command line of `headcni daemon`: every setting as a flag, and what else it can be asked. */
import { nearestWord } from "../../nearest.ts";
import { ENTRIES, type Entry } from "./catalogue.ts";
import { boolean } from "./kind.ts";
import { type Fault, faulty, giveText, joinLayers, type Layer, shortName } from "./given.ts";

/** What a command line asks for. */
export interface CommandLine extends Layer {
  readonly action: Action;
  /** `--config`: the file to read. */
  readonly configPath: string | undefined;
}

/** To run, or to tell something and end. */
export type Action = "run" | "print-config" | "help" | "version";

/** What a flag is. */
export interface FlagUse {
  readonly entry: Entry;
  /** Its value names the file that holds the secret. */
  readonly isFileOfSecret: boolean;
}

const ACTIONS: ReadonlyMap<string, Action> = new Map<string, Action>([
  ["--help", "help"],
  ["-h", "help"],
  ["--version", "version"],
  ["-V", "version"],
  ["--print-config", "print-config"],
]);

/** Flags of settings, by name with `--`. */
export const FLAGS: ReadonlyMap<string, FlagUse> = new Map(
  ENTRIES.flatMap((entry) =>
    (entry.setting.flags ?? []).flatMap((name): [string, FlagUse][] => [
      [`--${name}`, { entry, isFileOfSecret: false }],
      ...entry.setting.isSecret
        ? [[`--${name}-file`, { entry, isFileOfSecret: true }] satisfies [string, FlagUse]]
        : [],
    ])
  ),
);

/** True for a setting that is on or off. */
export function isSwitch({ setting }: Entry): boolean {
  return setting.kind === boolean;
}

/**
 * Reads `--name value`, `--name=value`, and for what is on or off `--name` and `--no-name`. Of
 * several the last counts. What it does not know is a fault, whose text does not repeat it further
 * than the name: a key may stand there.
 */
export function readFlags(args: readonly string[]): CommandLine {
  const layers: Layer[] = [];
  let action: Action = "run";
  let configPath: string | undefined;
  for (let at = 0; at < args.length; at++) {
    const [name, text] = splitArgument(args[at] ?? "");
    const asked = ACTIONS.get(name);
    if (asked) {
      if (text === undefined) action = asked;
      else layers.push(faulty({ where: `flag ${name}`, text: "no value wanted" }));
      continue;
    }
    if (!name.startsWith("--")) {
      layers.push(faulty({ where: `argument ${at + 1}`, text: "a flag wanted" }));
      continue;
    }
    const next = takesNext(name, text, args[at + 1]) ? args[++at] : undefined;
    const value = text ?? next;
    if (name === "--config") configPath = value;
    else layers.push(readFlag(name, value));
    if (name === "--config" && !value) layers.push(faulty(missingValue(name)));
  }
  return { ...lastOfEach(joinLayers(layers)), action, configPath };
}

function splitArgument(arg: string): [string, string | undefined] {
  const equals = arg.indexOf("=");
  if (equals < 0) return [shortName(arg), undefined];
  return [shortName(arg.slice(0, equals)), arg.slice(equals + 1)];
}

/** An unknown flag takes the next argument, too: it is its value rather than a mistake of its own. */
function takesNext(name: string, text: string | undefined, next: string | undefined): boolean {
  if (text !== undefined || next === undefined || next.startsWith("--")) return false;
  const use = FLAGS.get(name);
  if (use && isSwitch(use.entry)) return /^(?:true|false)$/i.test(next);
  return !isNegation(name);
}

function isNegation(name: string): boolean {
  const use = FLAGS.get(name.replace(/^--no-/, "--"));
  return name.startsWith("--no-") && use !== undefined && isSwitch(use.entry);
}

function readFlag(name: string, text: string | undefined): Layer {
  const origin = { from: "flag", name } as const;
  const where = `flag ${name}`;
  if (isNegation(name)) {
    const use = FLAGS.get(name.replace(/^--no-/, "--"));
    if (text !== undefined) return faulty({ where, text: "no value wanted" });
    return use ? giveText(use.entry, "false", origin, false) : faulty(unknownFlag(name));
  }
  const use = FLAGS.get(name);
  if (!use) return faulty(unknownFlag(name));
  const { entry, isFileOfSecret } = use;
  if (entry.setting.isSecret && !isFileOfSecret) return faulty(openSecret(name, entry));
  if (text === undefined && isSwitch(entry)) return giveText(entry, "true", origin, false);
  if (text === undefined) return faulty(missingValue(name));
  // What a manifest writes for a variable that is not set.
  if (text.trim() === "") return joinLayers([]);
  return giveText(entry, text.trim(), origin, isFileOfSecret);
}

function openSecret(name: string, { key, setting }: Entry): Fault {
  const variable = setting.env?.[0] ?? "";
  return {
    where: `flag ${name}`,
    key,
    text: "no secret wanted where every user of the node can read it; " +
      `use ${name}-file PATH or the variable ${variable}`,
  };
}

function missingValue(name: string): Fault {
  return { where: `flag ${name}`, text: "a value wanted" };
}

function unknownFlag(name: string): Fault {
  const known = [...FLAGS.keys(), ...ACTIONS.keys(), "--config"];
  const meant = nearestWord(name, known);
  const hint = meant === undefined ? "--help lists all" : `did you mean ${meant}?`;
  return { where: `flag ${name}`, text: `there is no such flag; ${hint}` };
}

function lastOfEach(layer: Layer): Layer {
  const last = new Map(layer.given.map((given) => [given.key, given]));
  return { ...layer, given: [...last.values()] };
}
