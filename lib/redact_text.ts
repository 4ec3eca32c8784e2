/**
 * Secrets taken out of texts of any kind, for people who send them to others: settings, logs, JSON and
 * YAML within each other, command lines. Rather a word too many than one too few.
 */
import { REDACTED, SECRET_OF_URL, SECRET_WORDS } from "./redact.ts";

/** The end of a name, for how it begins does not matter. Docker's for a password is `auth` alone. */
const NAME = `(?:(?:${SECRET_WORDS})[\\w.-]{0,40}|\\bauth)`;
/** A quote, or one within a quoted text. */
const QUOTE = `\\\\*["']?`;
/** What ends no bare word. */
const BARE = `[^\\s,;&"'\\\\{}\\[\\]]`;
/**
 * In quotes, over several lines too where they are as YAML writes them, in quotes within a text, in quotes
 * whose end is cut off, or up to what ends a bare word. What says that there is none stays.
 */
const VALUE = [
  `(?!(?:true|false|null|none)(?!${BARE}))(?:"(?:[^"\\\\\\n]|\\\\[^]|\\n(?=[ \\t]))+"`,
  `'(?:[^'\\n]|''|\\n(?=[ \\t]))+'`,
  `\\\\+"[^"\\n]+"`,
  `"(?!")[^\\n]+`,
  `'(?!')[^\\n]+`,
  `${BARE}+)`,
].join("|");

const RULES: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [
    /-----BEGIN [A-Z0-9 ]*PRIVATE KEY-----[\s\S]*?(?:-----END [A-Z0-9 ]*PRIVATE KEY-----|$)/g,
    REDACTED,
  ],
  // Of one whose beginning is cut off: the text begins with it.
  [/^(?:[A-Za-z0-9+/=]{16,}\r?\n)+-----END [A-Z0-9 ]*PRIVATE KEY-----/g, REDACTED],
  // Keys of Tailscale and Headscale, of their node keys the private ones; tokens of HTTP; RFC 7519.
  [/\b(tskey-|hskey-|privkey:|nlpriv:)[\w.~+/=-]+/g, `$1${REDACTED}`],
  [/\b(Bearer|Basic)(\s+)[\w.~+/=-]{6,}/gi, `$1$2${REDACTED}`],
  [/(?<![\w-])eyJ[\w-]+\.[\w-]+\.[\w-]*/g, REDACTED],
  [SECRET_OF_URL, `$1${REDACTED}@`],
  // What curl and wget take; neither a time nor a user and group by their numbers.
  [
    /((?:^|[\s"'])(?:-u|--(?:proxy-)?user)(?:["']\s*,)?[\s=]*["']?(?!\+|\d+:\d+\b)[^\s:"'=-][^\s:"']*:)[^\s"']+/g,
    `$1${REDACTED}`,
  ],
  // A block of YAML, with all that is as far in.
  [
    new RegExp(`(${NAME}["']?[ \\t]*:[ \\t]*)[|>][-+\\d]*\\n(?:[ \\t]+[^\\n]*\\n?)+`, "gi"),
    `$1${REDACTED}\n`,
  ],
  // Variables of containers: the name is the value of one key, the secret that of the next.
  [
    new RegExp(
      `(name${QUOTE}\\s*:\\s*${QUOTE}[\\w.-]{0,40}${NAME}${QUOTE}(?:\\s*,)?\\s*${QUOTE}value${QUOTE}\\s*:\\s*)(?:${VALUE})`,
      "gi",
    ),
    `$1"${REDACTED}"`,
  ],
  [
    new RegExp(`(--[\\w.-]{0,40}${NAME}["']?)(\\s+)(?!["']?-)(?:${VALUE})`, "gi"),
    `$1$2${REDACTED}`,
  ],
  // The same where each word of a command line is one of a list.
  [
    new RegExp(
      `(--[\\w.-]{0,40}${NAME}${QUOTE}(?:\\s*,\\s*|\\s*\\n\\s*-\\s+))(?!["']?-)(?:${VALUE})`,
      "gi",
    ),
    `$1"${REDACTED}"`,
  ],
  // Lists of secrets: in brackets, or a line each.
  [new RegExp(`(${NAME}${QUOTE}\\s*[:=]\\s*)\\[[^\\]]+\\]`, "gi"), `$1["${REDACTED}"]`],
  [
    new RegExp(`(${NAME}["']?[ \\t]*:[ \\t]*\\n[ \\t]*- )[^\\n]*(?:\\n[ \\t]*- [^\\n]*)*`, "gi"),
    `$1"${REDACTED}"`,
  ],
  [new RegExp(`(${NAME}${QUOTE}\\s*[:=]\\s*)(?:${VALUE})`, "gi"), `$1"${REDACTED}"`],
];

/** Shorter ones would tear words apart. */
const MIN_KNOWN_CHARACTERS = 6;

/**
 * A text without secrets: those that are known, and whatever is marked as one by its name or its form.
 * @param known secrets to take out wherever they stand, in base64 too.
 */
export function redactText(text: string, known: readonly string[] = []): string {
  const exact = known.filter(({ length }) => length >= MIN_KNOWN_CHARACTERS)
    .flatMap((secret) => [secret, base64(secret)])
    .toSorted((one, other) => other.length - one.length);
  const without = exact.reduce((rest, secret) => rest.replaceAll(secret, REDACTED), text);
  return RULES.reduce((rest, [pattern, by]) => rest.replaceAll(pattern, by), without);
}

function base64(text: string): string {
  return new TextEncoder().encode(text).toBase64();
}
