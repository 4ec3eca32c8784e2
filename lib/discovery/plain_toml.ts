/**
 * Texts and lists of texts in a TOML file, by the path of their keys: all that is wanted of the
 * settings of container runtimes. Values of other types are passed over; so are inline tables,
 * arrays of tables and texts of several lines, in which no runtime writes a folder.
 */

/** A text, or the texts of a list. */
export interface TomlTexts {
  /** Names of the tables and of the key, outermost first. */
  readonly path: readonly string[];
  readonly values: readonly string[];
}

/** Reads what it can of TOML 1.0, in the order of the file; nothing is an error. */
export function readTomlTexts(text: string): TomlTexts[] {
  const found: TomlTexts[] = [];
  let table: readonly string[] = [];
  for (const line of logicalLines(text)) {
    const header = /^\s*\[([^[\]].*)\]\s*$/.exec(line);
    if (header) {
      table = keyPath(header[1] ?? "");
      continue;
    }
    const equals = new RegExp(`^\\s*((?:${STRING}|[^="'])+)=(.*)$`).exec(line);
    if (!equals) continue;
    const [, key = "", value = ""] = equals;
    const values = textsOf(value.trim());
    if (values) found.push({ path: [...table, ...keyPath(key)], values });
  }
  return found;
}

/** A text in one line: basic or literal. */
const STRING = `"(?:[^"\\\\]|\\\\.)*"|'[^']*'`;

/** Lines without comments; a list goes on to its closing bracket. */
function logicalLines(text: string): string[] {
  const lines: string[] = [];
  let open = "";
  for (const line of text.split(/\r?\n/)) {
    const joined = open + withoutComment(line);
    const isOpen = /=\s*\[/.test(joined) && !/\]\s*$/.test(joined);
    open = isOpen ? `${joined} ` : "";
    if (!isOpen) lines.push(joined);
  }
  return lines;
}

function withoutComment(line: string): string {
  const [kept = ""] = new RegExp(`^(?:${STRING}|[^#"'])*`).exec(line) ?? [];
  return line[kept.length] === "#" ? kept : line;
}

/** The names of a key with dots, bare or in quotes. */
function keyPath(key: string): string[] {
  const parts = key.match(new RegExp(`${STRING}|[\\w-]+`, "g")) ?? [];
  return parts.map((part) => unquoted(part) ?? part);
}

function textsOf(value: string): string[] | undefined {
  const single = unquoted(value);
  if (single !== undefined) return [single];
  if (!value.startsWith("[")) return undefined;
  const parts = value.slice(1).match(new RegExp(STRING, "g")) ?? [];
  return parts.flatMap((part) => unquoted(part) ?? []);
}

/** Undefined for what is no text in quotes. */
function unquoted(part: string): string | undefined {
  if (!new RegExp(`^(?:${STRING})$`).test(part)) return undefined;
  if (part.startsWith("'")) return part.slice(1, -1);
  return part.slice(1, -1).replaceAll(/\\(["\\])/g, "$1");
}
