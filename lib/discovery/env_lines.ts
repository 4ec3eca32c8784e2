/** `KEY=value` lines as a shell would read them: the form of flannel's subnet.env. */

/** What the lines say, and what nobody can read in them. */
export interface EnvLines {
  /** Values without quotes; of several lines for one key the last counts, as in a shell. */
  readonly values: ReadonlyMap<string, string>;
  /** Each with the number of its line. */
  readonly faults: readonly string[];
}

/** True for a line that assigns a variable. */
export function isEnvLine(line: string): boolean {
  return ASSIGNMENT.test(line);
}

/**
 * Reads lines of `KEY=value`. Accepted are blank lines, comments, `export`, single and double
 * quotes, and a comment behind white space; what a shell would expand or run is a fault, for a
 * daemon writes values.
 * @param lines without their ends.
 */
export function parseEnvLines(lines: readonly string[]): EnvLines {
  const values = new Map<string, string>();
  const faults: string[] = [];
  for (const [index, line] of lines.entries()) {
    if (/^[ \t]*(#|$)/.test(line)) continue;
    const [, key = "", rest = ""] = ASSIGNMENT.exec(line) ?? [];
    const value = key === "" ? { fault: "KEY=value wanted" } : parseValue(rest);
    if ("fault" in value) faults.push(`line ${index + 1}: ${value.fault}`);
    else values.set(key, value.text);
  }
  return { values, faults };
}

const ASSIGNMENT = /^[ \t]*(?:export[ \t]+)?([A-Za-z_][A-Za-z0-9_]*)=(.*)$/;
/** What may follow a value. */
const END = /^(?:[ \t]+#.*|[ \t]*)$/;
/** What a shell gives a meaning to: quotes, expansion, commands, redirection. */
const SPECIAL = /['"`$\\;&|<>()~]/;

type Value = { readonly text: string } | { readonly fault: string };

function parseValue(rest: string): Value {
  const quote = rest[0];
  if (quote === "'") return quoted(/^'([^']*)'(.*)$/.exec(rest), quote);
  if (quote === '"') return quoted(/^"((?:[^"\\]|\\.)*)"(.*)$/.exec(rest), quote);
  const text = /^[^ \t]*/.exec(rest)?.[0] ?? "";
  const special = SPECIAL.exec(text);
  if (special) return { fault: `a plain value wanted, got one with ${special[0]}` };
  return END.test(rest.slice(text.length))
    ? { text }
    : { fault: "one value wanted; quote a value that has white space" };
}

function quoted(match: RegExpExecArray | null, quote: string): Value {
  if (!match) return { fault: `the quote ${quote} is not closed` };
  const [, inner = "", after = ""] = match;
  if (!END.test(after)) return { fault: `nothing wanted behind the closing ${quote}` };
  if (quote === "'") return { text: inner };
  // A backslash keeps its meaning only before these: POSIX.1-2024 XCU 2.2.3.
  const literal = inner.replaceAll(/\\[\\"$`]/g, "");
  return /[$`]/.test(literal)
    ? { fault: "a plain value wanted, got one that a shell would expand" }
    : { text: inner.replaceAll(/\\([\\"$`])/g, "$1") };
}
