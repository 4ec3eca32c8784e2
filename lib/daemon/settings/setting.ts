/** One setting of the daemon, and trees of them. */
import { type Kind, read } from "./kind.ts";
import { Secret } from "./secret.ts";

/** Where a setting can be given, and what is told of it. */
export interface SettingTexts {
  /** What it does, for help and README, in one line. */
  readonly doc: string;
  /** Environment variables; the first that is set counts. */
  readonly env?: readonly string[];
  /** Variables that count only where neither flag nor variable nor file gives it. */
  readonly fallbackEnv?: readonly string[];
  /** Names of its flag, without `--`. */
  readonly flags?: readonly string[];
  /** Other keys in the file, those of older systems. */
  readonly aliases?: readonly string[];
}

/** A leaf of the schema. */
export interface Setting<Value = unknown> extends SettingTexts {
  readonly kind: Kind<Value>;
  /**
   * As one would write it; undefined where nothing is the default. `{key}` stands for the value of
   * another setting, `{hostname}` for the name of this machine.
   */
  readonly defaultText: string | undefined;
  /** Without default, its value can be undefined. */
  readonly isOptional: boolean;
  readonly isSecret: boolean;
}

/** Settings by their names. */
export interface Section {
  readonly [name: string]: Setting | Section;
}

/** What the values of a schema are. */
export type ValuesOf<Node> = Node extends Setting<infer Value>
  ? Node extends { readonly isOptional: true } ? Value | undefined : Value
  : { readonly [Name in keyof Node]: ValuesOf<Node[Name]> };

/** A setting that always has a value. */
export function setting<Value>(
  kind: Kind<Value>,
  defaultText: string,
  texts: SettingTexts,
): Setting<Value> & { readonly isOptional: false } {
  return { kind, defaultText, isOptional: false, isSecret: false, ...texts };
}

/** A setting that nothing stands for when nobody gives it. */
export function optional<Value>(
  kind: Kind<Value>,
  texts: SettingTexts,
  defaultText?: string,
): Setting<Value> & { readonly isOptional: true } {
  return { kind, defaultText, isOptional: true, isSecret: false, ...texts };
}

/**
 * A setting whose value nobody may see: key `x` in a file of root's own, key `xFile`, variable `X`,
 * variable `X_FILE`, flag `--x-file`.
 */
export function secret(texts: SettingTexts): Setting<Secret> & { readonly isOptional: true } {
  return { kind: SECRET, defaultText: undefined, isOptional: true, isSecret: true, ...texts };
}

/** True for a leaf. */
export function isSetting(node: Setting | Section): node is Setting {
  return "kind" in node && "isSecret" in node;
}

/** Readers make the secret, for only they know whether it is a text or the name of a file. */
const SECRET: Kind<Secret> = {
  placeholder: "PATH",
  wanted: "the absolute path of a file",
  schema: read("a secret", (raw) => raw instanceof Secret ? raw : undefined),
  show: (value) => String(value),
};
