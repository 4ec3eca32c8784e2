/**
 * The part of YAML that files of HeadCNI's daemon have: block mappings and lists nested by
 * indentation, lists in brackets on one line, scalars plain or quoted, comments. A plugin call
 * cannot afford a YAML library. Everything else is refused, never misread: what is read here has the
 * value that YAML 1.2 (core schema) gives it.
 */
import { ConfigError } from "../errors.ts";
import { showValue } from "../schema.ts";
import { parseFlow, parseScalar } from "./yaml_scalar.ts";
import { YamlFault } from "./yaml_fault.ts";

/**
 * Reads one document.
 * @param text with any line ends, with or without a byte order mark.
 * @returns what JSON could say, too; null for an empty document.
 * @throws ConfigError `decode-failure` of the form `line 3: what is wanted instead`, to be put behind
 * the name of the file.
 */
export function parsePlainYaml(text: string): unknown {
  const reader = new Reader(text);
  try {
    return reader.readDocument();
  } catch (error) {
    if (!(error instanceof YamlFault)) throw error;
    throw new ConfigError("decode-failure", `line ${reader.line}: ${error.message}`, {
      cause: error,
    });
  }
}

/** A line that is neither blank nor a comment. */
interface Line {
  readonly number: number;
  /** Column of the first character of `text`. */
  readonly indent: number;
  /** Without leading and trailing spaces; a trailing comment is still there. */
  readonly text: string;
}

/** `key: value`: the key as written, and what follows the spaces behind the colon. */
const ENTRY =
  /^("(?:[^"\\]|\\.){0,255}"|'(?:[^']|''){0,255}'|[A-Za-z_][\w./-]{0,255}):(?: +(.*))?$/;
/** `- value`. */
const ITEM = /^-( +|$)(.*)$/;
/** Deeper nesting than this is no file of ours, and would exhaust the stack at some depth. */
const MAX_DEPTH = 64;
/** All but line feeds: a tab looks like any number of spaces; YAML 1.2 section 5.1 bans the rest. */
const BANNED =
  /[^\n\x20-\x7e\u00a0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\u{10000}-\u{10ffff}]/u;

class Reader {
  /** Number of the line that is being read. */
  line = 1;
  readonly #text: string;
  #lines: Line[] = [];
  #depth = 0;

  constructor(text: string) {
    this.#text = text.replace(/^\ufeff/, "").replaceAll("\r\n", "\n");
  }

  readDocument(): unknown {
    this.#lines = this.#split().reverse();
    this.#skipMarker();
    const first = this.#peek();
    if (!first) return null;
    const value = this.#readBlock(first);
    const rest = this.#peek();
    if (rest) throw new YamlFault("this line is indented less than what it belongs to");
    return value;
  }

  #split(): Line[] {
    return this.#text.split("\n").flatMap((line, index) => {
      this.line = index + 1;
      const banned = BANNED.exec(line);
      if (banned) {
        throw new YamlFault(`spaces and letters wanted, got the character ${showCode(banned[0])}`);
      }
      const text = line.replace(/^ +/, "").replace(/ +$/, "");
      if (text === "" || text.startsWith("#")) return [];
      return [{ number: index + 1, indent: line.length - line.replace(/^ +/, "").length, text }];
    });
  }

  /** Three dashes may begin the document; nothing else may stand between documents. */
  #skipMarker(): void {
    const first = this.#peek();
    if (first?.indent === 0 && /^---(?: +#.*)?$/.test(first.text)) this.#lines.pop();
  }

  /** The next line, which becomes the line that errors name. */
  #peek(): Line | undefined {
    const next = this.#lines.at(-1);
    if (next) this.line = next.number;
    return next;
  }

  #readBlock(first: Line): unknown {
    if (++this.#depth > MAX_DEPTH) throw new YamlFault(`at most ${MAX_DEPTH} levels wanted`);
    const value = ITEM.test(first.text)
      ? this.#readList(first.indent)
      : ENTRY.test(first.text)
      ? this.#readMapping(first.indent)
      : this.#refuse(first);
    this.#depth--;
    return value;
  }

  /** A list may stand as far left as the key that it belongs to: there the next key ends it. */
  #readList(indent: number): unknown[] {
    const items: unknown[] = [];
    for (let line = this.#peek(); line && line.indent >= indent; line = this.#peek()) {
      if (line.indent === indent && !ITEM.test(line.text)) break;
      const [, gap = "", rest = ""] = this.#match(ITEM, line, indent);
      this.#lines.pop();
      items.push(this.#readItem(line, { ...line, indent: indent + 1 + gap.length, text: rest }));
    }
    return items;
  }

  /** What follows a dash may itself be the first line of a block. */
  #readItem(line: Line, rest: Line): unknown {
    if (!ITEM.test(rest.text) && !ENTRY.test(rest.text)) {
      return this.#readValue(rest.text, line.indent + 1);
    }
    this.#lines.push(rest);
    return this.#readBlock(rest);
  }

  #readMapping(indent: number): Record<string, unknown> {
    const entries = new Map<string, unknown>();
    for (let line = this.#peek(); line && line.indent >= indent; line = this.#peek()) {
      const [, written = "", rest = ""] = this.#match(ENTRY, line, indent);
      const key = parseKey(written);
      if (entries.has(key)) throw new YamlFault(`the key ${showValue(key)} is there already`);
      this.#lines.pop();
      const next = this.#lines.at(-1);
      const isListBelow = next?.indent === indent && ITEM.test(next.text);
      entries.set(key, this.#readValue(rest, isListBelow ? indent : indent + 1));
    }
    return Object.fromEntries(entries);
  }

  /** A value on the line of its key or dash, else the block below, if that is indented enough. */
  #readValue(text: string, minIndent: number): unknown {
    if (text !== "" && !text.startsWith("#")) {
      return text.startsWith("[") || text.startsWith("{") ? parseFlow(text) : parseScalar(text);
    }
    const next = this.#lines.at(-1);
    if (!next || next.indent < minIndent) return null;
    this.#peek();
    return this.#readBlock(next);
  }

  #match(pattern: RegExp, line: Line, indent: number): RegExpExecArray {
    const match = line.indent === indent ? pattern.exec(line.text) : null;
    return match ?? this.#refuse(line, indent);
  }

  /** @param indent that the line should have. */
  #refuse({ indent: seen, text }: Line, indent: number = seen): never {
    if (seen !== indent) {
      throw new YamlFault(
        `${indent} spaces wanted before ${showValue(text)}, got ${seen}; ` +
          `write a value on the line of its key, and a long one in one line`,
      );
    }
    if (seen === 0 && /^(---|\.\.\.|%)/.test(text)) {
      throw new YamlFault("one document without directives wanted");
    }
    throw new YamlFault(
      `"key: value" or "- value" wanted, got ${showValue(text)}; ` +
        `a colon ends a key, and a space follows it`,
    );
  }
}

/** Keys are texts: what would be another scalar must be quoted. */
function parseKey(written: string): string {
  const key = parseScalar(written);
  if (typeof key === "string") return key;
  throw new YamlFault(`a key is text; quote ${written}`);
}

function showCode(character: string): string {
  const code = (character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, "0");
  return character === "\t" ? "tab (write spaces)" : `U+${code}`;
}
