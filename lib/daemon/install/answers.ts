/** The settings that an installation is given, and those that the daemon will have with them. */
import { stringify } from "yaml";
import { isPresent } from "../../attach/left_over.ts";
import { ConfigError, errorText } from "../../errors.ts";
import { findKey } from "../settings/catalogue.ts";
import { formatFault } from "../settings/given.ts";
import { loadSettings } from "../settings/load.ts";
import { readFlags } from "../settings/read_flags.ts";
import { resolveSettings } from "../settings/resolve.ts";
import type { LoadedSettings } from "../settings/settings.ts";

/** What was answered to the question for settings. */
export interface Answers {
  /** A file that holds all of them. */
  readonly file?: string | undefined;
  /** The text of such a file. */
  readonly text?: string | undefined;
  /** Single ones: key and value. */
  readonly values: readonly (readonly [key: string, value: string])[];
}

/**
 * The text of the settings file that answers come to; undefined without any.
 * @throws ConfigError when a file cannot be read, or a value is a secret.
 */
export function settingsText({ file, text, values }: Answers): string | undefined {
  if (text !== undefined) return text;
  if (file !== undefined) return readText(file);
  if (values.length === 0) return undefined;
  const tree: Tree = {};
  for (const [key, value] of values) {
    refuseSecret(key);
    setKey(tree, key.split("."), value);
  }
  return stringify(tree);
}

/**
 * The settings of a daemon that finds this text at a path, unless another file is there already.
 * @throws ConfigError whose details are all faults, one a line.
 */
export function settingsWith(
  text: string | undefined,
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): LoadedSettings {
  if (text === undefined || isPresent(path)) {
    return loadSettings({ line: readFlags([]), env, defaultPath: path });
  }
  return settingsOf(text, path, env);
}

/**
 * The settings of a daemon that finds this text at a path.
 * @throws ConfigError whose details are all faults, one a line.
 */
export function settingsOf(
  text: string,
  path: string,
  env: Readonly<Record<string, string | undefined>>,
): LoadedSettings {
  const file = { path, text, isPrivate: true };
  const sources = { flags: readFlags([]), env, file, hostname: Deno.hostname() };
  const { settings, faults, ...rest } = resolveSettings(sources);
  if (settings) return { settings, ...rest, file: path, path };
  throw new ConfigError("invalid-config", "Cannot use these settings for the daemon", {
    details: faults.map(formatFault).join("\n"),
  });
}

function refuseSecret(key: string): void {
  const use = findKey(key);
  if (!use?.setting.isSecret || use.isFileOfSecret) return;
  throw new ConfigError(
    "invalid-config",
    `Cannot take "${key}" from a command line, which every user of this machine can see: write ` +
      `the key to a file of mode 0600, and name that by ${key}File`,
  );
}

/** Sections by name. */
type Tree = { [name: string]: Tree | string };

function setKey(tree: Tree, [name = "", ...rest]: readonly string[], value: string): void {
  if (rest.length === 0) {
    tree[name] = value;
    return;
  }
  const there = tree[name];
  const section: Tree = typeof there === "object" ? there : {};
  tree[name] = section;
  setKey(section, rest, value);
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path);
  } catch (cause) {
    throw new ConfigError("io-failure", `Cannot read "${path}": ${errorText(cause)}`, { cause });
  }
}
