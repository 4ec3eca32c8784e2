/** Scalars of YAML, and lists in brackets, that stand on one line. */
import { showValue } from "../schema.ts";
import { YamlFault } from "./yaml_fault.ts";

/**
 * The value of a scalar with nothing but a comment behind it: core schema, YAML 1.2 section 10.3.2.
 * @throws YamlFault for what can have another meaning, or none.
 */
export function parseScalar(text: string): unknown {
  const quoted = QUOTED.exec(text);
  if (quoted) {
    requireEnd(text.slice(quoted[0].length));
    return unquote(quoted[0]);
  }
  return parsePlain(text.replace(/ +#.*$/, ""));
}

/**
 * The value of a list in brackets or an empty mapping, with nothing but a comment behind it.
 * @throws YamlFault, as {@linkcode parseScalar}, and when it does not end on its line.
 */
export function parseFlow(text: string): unknown {
  const scanner: Scanner = { text, at: 0, depth: 0 };
  const value = scanFlow(scanner);
  requireEnd(text.slice(scanner.at));
  return value;
}

interface Scanner {
  readonly text: string;
  at: number;
  depth: number;
}

/** A whole quoted scalar at the beginning of a text. */
const QUOTED = /^(?:"(?:[^"\\]|\\.)*"|'(?:[^']|'')*')/;
/** What has a meaning of its own at the beginning of a plain scalar: YAML 1.2 section 5.3. */
const INDICATORS = /^[,[\]{}#&*!|>'"%@`]|^[-?:](?: |$)/;
const MAX_DEPTH = 16;

/** The scalars that are no text; every other spelling of a number is refused. */
const CONSTANTS: ReadonlyMap<string, unknown> = new Map<string, unknown>([
  ...["null", "Null", "NULL", "~"].map((word): [string, unknown] => [word, null]),
  ...["true", "True", "TRUE"].map((word): [string, unknown] => [word, true]),
  ...["false", "False", "FALSE"].map((word): [string, unknown] => [word, false]),
]);
const DECIMAL = /^(?:-?[1-9][0-9]*|0)(?:\.[0-9]+)?$/;
/** A number in some version of YAML: signs, octals, exponents, infinities, separators. */
const NUMBER_LIKE =
  /^[-+]?(?:[0-9][0-9_]*(?:\.[0-9_]*)?|\.[0-9_]+)(?:[eE][-+]?[0-9]+)?$|^[-+]?0[xobXOB][0-9A-Fa-f_]+$|^[-+]?\.(?:inf|Inf|INF|nan|NaN|NAN)$/;

function parsePlain(text: string): unknown {
  const indicator = INDICATORS.exec(text);
  if (indicator) throw new YamlFault(adviceOn(text, indicator[0]));
  if (/:(?: |$)/.test(text)) {
    throw new YamlFault(`one value wanted, got ${showValue(text)}; quote a text with a colon`);
  }
  if (CONSTANTS.has(text)) return CONSTANTS.get(text);
  if (DECIMAL.test(text) && Number.isSafeInteger(Math.trunc(Number(text)))) return Number(text);
  if (NUMBER_LIKE.test(text)) {
    throw new YamlFault(
      `a decimal number wanted, got ${showValue(text)}; quote it if it is a text`,
    );
  }
  return text;
}

function adviceOn(text: string, indicator: string): string {
  const got = `got ${showValue(text)}`;
  if (/["']/.test(indicator)) return `a closing ${indicator} on the same line wanted, ${got}`;
  if (/[|>]/.test(indicator)) return `a value on one line wanted, ${got}; write it in quotes`;
  if (/[&*!]/.test(indicator)) {
    return `a value without anchor, alias or tag wanted, ${got}; write the value itself`;
  }
  return `a plain value wanted, ${got}; quote it, or write it on a line of its own`;
}

/** Only the escapes that JSON has, too: YAML 1.2 section 5.7. */
function unquote(quoted: string): string {
  if (quoted.startsWith("'")) return quoted.slice(1, -1).replaceAll("''", "'");
  let value: unknown;
  try {
    value = JSON.parse(quoted);
  } catch {
    value = undefined;
  }
  if (typeof value === "string") return value;
  throw new YamlFault(`only escapes that JSON has wanted, got ${showValue(quoted)}`);
}

function requireEnd(rest: string): void {
  if (/^(?: +#.*| *)$/.test(rest)) return;
  throw new YamlFault(
    `nothing wanted behind a value in quotes or brackets, got ${showValue(rest)}`,
  );
}

function scanFlow(scanner: Scanner): unknown {
  const { text } = scanner;
  if (/^\{ *\}/.test(text.slice(scanner.at))) {
    scanner.at = text.indexOf("}", scanner.at) + 1;
    return {};
  }
  if (text[scanner.at] === "{") {
    throw new YamlFault(`a mapping in lines wanted, got ${showValue(text)}`);
  }
  return text[scanner.at] === "[" ? scanList(scanner) : scanScalar(scanner);
}

function scanList(scanner: Scanner): unknown[] {
  if (++scanner.depth > MAX_DEPTH) throw new YamlFault(`at most ${MAX_DEPTH} lists wanted`);
  const items: unknown[] = [];
  scanner.at++;
  skipSpaces(scanner);
  while (scanner.text[scanner.at] !== "]") {
    items.push(scanFlow(scanner));
    skipSpaces(scanner);
    const next = scanner.text[scanner.at];
    if (next !== "," && next !== "]") {
      throw new YamlFault(`"," or "]" wanted in ${showValue(scanner.text)}; close it on its line`);
    }
    if (next === "]") break;
    scanner.at++;
    skipSpaces(scanner);
  }
  scanner.at++;
  scanner.depth--;
  return items;
}

function scanScalar(scanner: Scanner): unknown {
  const rest = scanner.text.slice(scanner.at);
  const quoted = QUOTED.exec(rest)?.[0];
  const scalar = quoted ?? /^[^,[\]{}]*/.exec(rest)?.[0].replace(/ +$/, "") ?? "";
  if (scalar === "") throw new YamlFault(`a value wanted in ${showValue(scanner.text)}`);
  if (quoted === undefined && scalar.includes(" #")) {
    throw new YamlFault(`a list that ends on its line wanted, got ${showValue(scanner.text)}`);
  }
  scanner.at += scalar.length;
  return quoted === undefined ? parsePlain(scalar) : unquote(quoted);
}

function skipSpaces(scanner: Scanner): void {
  while (scanner.text[scanner.at] === " ") scanner.at++;
}
