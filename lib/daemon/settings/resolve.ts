/** What flags, variables and file give together: the settings, or all that is wrong with them. */
import * as v from "valibot";
import { ENTRIES } from "./catalogue.ts";
import { agreementFaults, agreementWarnings } from "./agreement.ts";
import { type Fault, faultsOfValue, type Given, joinLayers, type Layer } from "./given.ts";
import { readEnv, readFallbackEnv } from "./read_env.ts";
import { readSettingsText, type SettingsFile } from "./read_text.ts";
import { SCHEMA } from "./schema.ts";
import { isSetting, type Section, type Setting, type ValuesOf } from "./setting.ts";
import type { Origin, Settings } from "./settings.ts";

/** All that gives settings, read from where it is. */
export interface Sources {
  readonly flags: Layer;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Undefined where there is no file. */
  readonly file: SettingsFile | undefined;
  /** Name of this machine. */
  readonly hostname: string;
}

/** What the sources come to. */
export interface Resolution {
  /** Undefined when there is a fault. */
  readonly settings: Settings | undefined;
  /** By key. */
  readonly origins: ReadonlyMap<string, Origin>;
  readonly faults: readonly Fault[];
  /** One text each. */
  readonly warnings: readonly string[];
}

/** Puts the sources over one another: flag over variable over file over default. */
export function resolveSettings({ flags, env, file, hostname }: Sources): Resolution {
  const layers = [
    readFallbackEnv(env),
    file ? readSettingsText(file) : joinLayers([]),
    readEnv(env),
    flags,
  ];
  const { given, faults, warnings } = joinLayers(layers);
  const chosen = new Map(given.map((each) => [each.key, each]));
  const defaults = new Defaults(chosen, hostname);
  const origins = new Map(
    ENTRIES.map((
      { key },
    ): [string, Origin] => [key, chosen.get(key)?.origin ?? { from: "default" }]),
  );
  const all = [...faults, ...defaults.faults()];
  if (all.length > 0) return { settings: undefined, origins, faults: all, warnings };
  const settings = valuesOf(SCHEMA, "", (key) => defaults.rawOf(key));
  const disagreements = agreementFaults(settings, origins);
  return {
    settings: disagreements.length > 0 ? undefined : settings,
    origins,
    faults: disagreements,
    warnings: [...warnings, ...agreementWarnings(settings)],
  };
}

/** What stands for settings that nobody gave. */
class Defaults {
  readonly #chosen: ReadonlyMap<string, Given>;
  readonly #hostname: string;

  constructor(chosen: ReadonlyMap<string, Given>, hostname: string) {
    this.#chosen = chosen;
    this.#hostname = hostname;
  }

  /** Faults of defaults that another value or the machine has made. */
  faults(): Fault[] {
    return ENTRIES.filter(({ key }) => !this.#chosen.has(key)).flatMap(({ key, setting }) => {
      const raw = this.rawOf(key);
      const faults = raw === undefined ? [] : faultsOfValue(setting, raw);
      return faults.map(({ text }) => ({ where: "default", key, text }));
    });
  }

  /** What was given, else the default, with what its `{key}` stand for. */
  rawOf(key: string): unknown {
    const given = this.#chosen.get(key);
    if (given) return given.raw;
    const text = ENTRIES.find((entry) => entry.key === key)?.setting.defaultText;
    let isComplete = true;
    const filled = text?.replaceAll(/\{([A-Za-z.]+)\}/g, (_, name: string) => {
      const other = name === "hostname" ? this.#hostname.toLowerCase() : this.rawOf(name);
      isComplete &&= other !== undefined;
      return String(other);
    });
    return isComplete ? filled : undefined;
  }
}

/** The tree of values for a tree of settings; every raw value is known to be good. */
function valuesOf<Tree extends Section>(
  tree: Tree,
  prefix: string,
  rawOf: (key: string) => unknown,
): ValuesOf<Tree>;
function valuesOf(tree: Section, prefix: string, rawOf: (key: string) => unknown): unknown {
  return Object.fromEntries(
    Object.entries(tree).map(([name, node]) => {
      const key = prefix === "" ? name : `${prefix}.${name}`;
      return [name, isSetting(node) ? valueOf(node, rawOf(key)) : valuesOf(node, key, rawOf)];
    }),
  );
}

function valueOf(setting: Setting, raw: unknown): unknown {
  return raw === undefined ? undefined : v.parse(setting.kind.schema, raw);
}
