/** The settings of a YAML file. No text of a fault repeats what stands in the file behind a key. */
import {
  type Document,
  isAlias,
  isMap,
  isNode,
  LineCounter,
  type Node,
  parseDocument,
  visit,
  type YAMLError,
  type YAMLMap,
} from "yaml";
import { findKey, isSection, joinKey, type KeyUse, namesIn, nearestKeys } from "./catalogue.ts";
import {
  type Fault,
  faultsOfValue,
  faulty,
  formatOrigin,
  formatPlace,
  joinLayers,
  type Layer,
  type Place,
  secretOf,
  shortName,
} from "./given.ts";
import { equal } from "../../std/equal.ts";
import { path as pathKind } from "./node_kinds.ts";
import { retiredNote } from "./retired.ts";
import { Secret } from "./secret.ts";
import type { Origin } from "./settings.ts";

/** A file as it was read. */
export interface SettingsFile {
  readonly path: string;
  readonly text: string;
  /** Root's own, and nobody else may read it: then secrets may stand in it. */
  readonly isPrivate: boolean;
}

/** Where the chart's values have the settings; a file may have them there, too. */
const CHART_SECTION = "config";

/** So many faults of YAML are told: those behind the first are mostly its consequences. */
const MAX_YAML_FAULTS = 5;

/** Reads what a file gives, with the line of each value. */
export function readSettingsText(file: SettingsFile): Layer {
  const lines = new LineCounter();
  const document = parseDocument(file.text, { lineCounter: lines, prettyErrors: false });
  const reader = new Reader(file, document, lines);
  const broken = document.errors.slice(0, MAX_YAML_FAULTS).map((error) => reader.brokenYaml(error));
  if (broken.length > 0) return { given: [], faults: broken, warnings: [] };
  const aliases = reader.listAliases();
  if (aliases.length > 0) return { given: [], faults: aliases, warnings: [] };
  return withoutRepeats(reader.readFile());
}

class Reader {
  readonly #file: SettingsFile;
  readonly #document: Document.Parsed;
  readonly #lines: LineCounter;

  constructor(file: SettingsFile, document: Document.Parsed, lines: LineCounter) {
    this.#file = file;
    this.#document = document;
    this.#lines = lines;
  }

  /** The parser's own words can hold a part of the file: only its code is told. */
  brokenYaml({ code, pos }: YAMLError): Fault {
    const what = code.toLowerCase().replaceAll("_", " ");
    return {
      where: formatOrigin(this.#originAt(pos[0])),
      text: `YAML wanted, got a fault (${what})`,
    };
  }

  /** They can be endless. */
  listAliases(): Fault[] {
    const faults: Fault[] = [];
    visit(this.#document, {
      Alias: (_, node) => {
        faults.push({
          where: formatOrigin(this.#originOf(node)),
          text: "a value without anchor and alias wanted; write the value itself",
        });
      },
    });
    return faults;
  }

  readFile(): Layer {
    const { contents } = this.#document;
    if (contents === null || this.#isEmpty(contents)) return joinLayers([]);
    if (isMap(contents)) return this.#readMap(contents, "", true);
    return faulty({ where: this.#file.path, text: "a mapping wanted: keys with values" });
  }

  #readMap(map: YAMLMap, section: string, isTop: boolean): Layer {
    return joinLayers(map.items.map(({ key, value }) => {
      const name = shortName(isNode(key) ? String(key.toJS(this.#document)) : String(key));
      const origin = this.#originOf(key);
      if (isTop && name === CHART_SECTION && isMap(value)) return this.#readMap(value, "", false);
      return this.#readPair(joinKey(section, name), section, value, origin);
    }));
  }

  #readPair(key: string, section: string, value: unknown, origin: Origin): Layer {
    const where = formatOrigin(origin);
    const note = retiredNote(key);
    if (note !== undefined) {
      return { given: [], faults: [], warnings: [`${where}: ${key}: ${note}`] };
    }
    const use = findKey(key);
    if (isSection(key) && isMap(value)) return this.#readMap(value, key, false);
    if (!use && !isSection(key)) return faulty({ where, key, text: unknownKey(key, section) });
    if (!isNode(value) || this.#isEmpty(value)) return joinLayers([]);
    if (use) return this.#readValue(use, key, value, origin);
    return faulty({ where, key, text: "a mapping wanted: keys with values" });
  }

  #readValue(use: KeyUse, key: string, node: Node, origin: Origin): Layer {
    const raw: unknown = node.toJS(this.#document);
    if (use.setting.isSecret) return this.#readSecret(use, key, raw, origin);
    const faults = faultsOfValue(use.setting, raw).map(({ at, text }) => ({
      where: formatOrigin(this.#originOf(nodeAt(node, at) ?? node)),
      key: formatPlace(key, at),
      text,
    }));
    return {
      given: faults.length > 0 ? [] : [{ key: use.key, raw, origin }],
      faults,
      warnings: [],
    };
  }

  #readSecret(use: KeyUse, key: string, raw: unknown, origin: Origin): Layer {
    const where = formatOrigin(origin);
    if (!use.isFileOfSecret && !this.#file.isPrivate) {
      const variable = use.setting.env?.[0] ?? "";
      return faulty({
        where,
        key,
        text: `no secret wanted in a file that others can read; use ${key}File or the variable ` +
          `${variable}, or make the file root's with mode 0600`,
      });
    }
    const secret = typeof raw === "string" ? secretOf(raw, use.isFileOfSecret) : undefined;
    const wanted = use.isFileOfSecret ? pathKind.wanted : "a text";
    if (!secret) return faulty({ where, key, text: `${wanted} wanted` });
    return { given: [{ key: use.key, raw: secret, origin }], faults: [], warnings: [] };
  }

  /** Go programs write so what they do not have. */
  #isEmpty(node: Node): boolean {
    const value: unknown = isMap(node) || isAlias(node) ? node : node.toJS(this.#document);
    return value === null || value === "";
  }

  #originOf(node: unknown): Origin {
    return this.#originAt(isNode(node) ? node.range?.[0] ?? 0 : 0);
  }

  #originAt(offset: number): Origin {
    return { from: "file", path: this.#file.path, line: this.#lines.linePos(offset).line };
  }
}

/** The part of a value that a fault is about, for its line. */
function nodeAt(node: Node, at: Place): Node | undefined {
  if (at.length === 0 || !("getIn" in node) || typeof node.getIn !== "function") return undefined;
  const found: unknown = node.getIn(at, true);
  return isNode(found) ? found : undefined;
}

function unknownKey(key: string, section: string): string {
  const meant = nearestKeys(key);
  if (meant.length > 0) return `there is no such key; did you mean ${meant.join(" or ")}?`;
  const names = namesIn(section).join(", ");
  return `there is no such key; ${section === "" ? "the file" : section} has ${names}`;
}

/** One setting under two names, such as an older one and ours: the older chart has both. */
function withoutRepeats(layer: Layer): Layer {
  const faults = layer.given.flatMap((each): Fault[] => {
    const first = layer.given.find(({ key }) => key === each.key);
    if (!first || first === each || isSame(first.raw, each.raw)) return [];
    return [{
      where: formatOrigin(each.origin),
      key: each.key,
      text: `one value wanted, got another one than ${formatOrigin(first.origin)}`,
    }];
  });
  return { ...layer, faults: [...layer.faults, ...faults] };
}

/** Never of two secrets: they show nothing. */
function isSame(one: unknown, other: unknown): boolean {
  return equal(one, other) && !(one instanceof Secret);
}
