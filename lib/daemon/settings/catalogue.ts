/** The schema as a list, with every key under which a setting can be given. */
import { nearestWord } from "../../nearest.ts";
import { RETIRED_KEYS } from "./retired.ts";
import { SCHEMA } from "./schema.ts";
import { isSetting, type Section, type Setting } from "./setting.ts";

/** A setting with its place in the file, such as `network.podCIDR.base`. */
export interface Entry {
  readonly key: string;
  readonly setting: Setting;
}

/** All settings, in the order of the schema. */
export const ENTRIES: readonly Entry[] = listEntries(SCHEMA, "");

/** What a key in the file gives. */
export interface KeyUse extends Entry {
  /** Its value names the file that holds the secret. */
  readonly isFileOfSecret: boolean;
}

const USES: ReadonlyMap<string, KeyUse> = new Map(ENTRIES.flatMap(usesOf));

/** Every key that the file may have, those of older systems too. */
const FILE_KEYS: readonly string[] = [...USES.keys(), ...RETIRED_KEYS];

const SECTIONS: ReadonlySet<string> = new Set(FILE_KEYS.flatMap((key) => {
  const parts = key.split(".");
  return parts.slice(1).map((_, index) => parts.slice(0, index + 1).join("."));
}));

/** What a key in the file gives; undefined for an unknown one. */
export function findKey(key: string): KeyUse | undefined {
  return USES.get(key);
}

/** True for a key with others below it. */
export function isSection(key: string): boolean {
  return SECTIONS.has(key);
}

/** Names that a section has; those of older systems that do nothing are left out. */
export function namesIn(section: string): string[] {
  const prefix = section === "" ? "" : `${section}.`;
  const names = [...USES.keys()].filter((key) => key.startsWith(prefix))
    .map((key) => key.slice(prefix.length).split(".")[0] ?? "");
  return [...new Set(names)];
}

/** Keys that an unknown one was probably meant to be: a neighbour, else one of another section. */
export function nearestKeys(key: string): string[] {
  const section = key.slice(0, Math.max(0, key.lastIndexOf(".")));
  const neighbour = nearestWord(lastName(key), namesIn(section));
  if (neighbour !== undefined) return [joinKey(section, neighbour)];
  const known = [...USES.keys()];
  const name = nearestWord(
    lastName(key).toLowerCase(),
    known.map((each) => lastName(each).toLowerCase()),
  );
  return known.filter((each) => lastName(each).toLowerCase() === name);
}

/** `network` and `mtu` as `network.mtu`. */
export function joinKey(section: string, name: string): string {
  return section === "" ? name : `${section}.${name}`;
}

function lastName(key: string): string {
  return key.slice(key.lastIndexOf(".") + 1);
}

function listEntries(section: Section, prefix: string): Entry[] {
  return Object.entries(section).flatMap(([name, node]) => {
    const key = joinKey(prefix, name);
    return isSetting(node) ? [{ key, setting: node }] : listEntries(node, key);
  });
}

function usesOf(entry: Entry): [string, KeyUse][] {
  const keys = [entry.key, ...entry.setting.aliases ?? []];
  return keys.flatMap((key): [string, KeyUse][] => [
    [key, { ...entry, isFileOfSecret: false }],
    ...entry.setting.isSecret
      ? [[`${key}File`, { ...entry, isFileOfSecret: true }] satisfies [string, KeyUse]]
      : [],
  ]);
}
