/** What a setting is, from the schema. */
import { ConfigError } from "../../errors.ts";
import { ENTRIES, type Entry, findKey, nearestKeys } from "./catalogue.ts";
import { variablesOf } from "./read_env.ts";
import { FLAGS } from "./read_flags.ts";
import { retiredNote } from "./retired.ts";

/** All that is known of a setting. */
export interface Explanation {
  readonly key: string;
  readonly doc: string;
  /** What a good value is. */
  readonly wanted: string;
  /** As one would write it; null when there is none. */
  readonly default: string | null;
  /** Its keys in the file, the first is `key` unless that is a secret's. */
  readonly keys: readonly string[];
  /** Environment variables, the first that is set counts. */
  readonly variables: readonly string[];
  /** Variables that count only where nobody else gives the setting. */
  readonly lastVariables: readonly string[];
  /** With `--`. */
  readonly flags: readonly string[];
}

/**
 * What the settings below a key are, all of them for `""`; a variable or a flag is taken for its
 * setting.
 * @throws ConfigError for a word that is none of these, with the nearest one, and for a key of the
 * older system, with what became of it.
 */
export function explainSettings(word: string): Explanation[] {
  const found = ENTRIES.filter((entry) => isMeant(entry, word));
  if (found.length > 0) return found.map(explain);
  const note = retiredNote(word);
  if (note !== undefined) {
    throw new ConfigError("invalid-config", `Cannot explain "${word}": it ${note}`);
  }
  const meant = nearestKeys(word);
  throw new ConfigError(
    "invalid-config",
    `Cannot explain "${word}": there is no such setting; ` +
      (meant.length === 0 ? "without a key all are told" : `did you mean ${meant.join(" or ")}?`),
  );
}

/** What is known of one setting. */
export function explain({ key, setting }: Entry): Explanation {
  const keys = [key, ...setting.aliases ?? []];
  return {
    key,
    doc: setting.doc,
    wanted: setting.kind.wanted,
    default: setting.defaultText || null,
    keys: setting.isSecret ? keys.flatMap((one) => [`${one}File`, one]) : keys,
    variables: variablesOf(setting.env ?? [], setting.isSecret),
    lastVariables: setting.fallbackEnv ?? [],
    flags: (setting.flags ?? []).map((name) => setting.isSecret ? `--${name}-file` : `--${name}`),
  };
}

function isMeant(entry: Entry, word: string): boolean {
  if (word === "" || entry.key === word || entry.key.startsWith(`${word}.`)) return true;
  const { variables, lastVariables } = explain(entry);
  return findKey(word)?.key === entry.key || FLAGS.get(word)?.entry.key === entry.key ||
    [...variables, ...lastVariables].includes(word);
}
