/** Kinds of values that a setting can have, as plain as they come: texts, numbers, choices. */
import * as v from "valibot";
import { tryParseDurationMs } from "../../ipam/duration.ts";
import { parsedBy } from "../../schema.ts";

/** What a setting holds: how it is read from YAML or from a text, and written again. */
export interface Kind<Value> {
  /** Word in the place of a value in help texts, such as `PORT`. */
  readonly placeholder: string;
  /** What a good value is, for help and errors, such as `true or false`. */
  readonly wanted: string;
  /** Takes what YAML gives, and also the text that a variable or a flag gives. */
  readonly schema: v.GenericSchema<unknown, Value>;
  /** The value as JSON that the schema takes. */
  show(value: Value): unknown;
}

/** A length of time. */
export interface Duration {
  readonly ms: number;
}

/** A text that `accept` finds no fault with. */
export function text(
  placeholder: string,
  wanted: string,
  accept: RegExp | ((text: string) => boolean),
): Kind<string> {
  const isGood = accept instanceof RegExp ? (one: string) => accept.test(one) : accept;
  return {
    placeholder,
    wanted,
    schema: read(wanted, (raw) => typeof raw === "string" && isGood(raw) ? raw : undefined),
    show: (value) => value,
  };
}

/** A text of one line. */
export const line: Kind<string> = text("TEXT", "a text of one line", /^\P{Cc}{1,255}$/u);

/** One of some words; `synonyms` are further spellings of them. */
export function choice<const Word extends string>(
  words: readonly Word[],
  synonyms: Readonly<Record<string, Word>> = {},
): Kind<Word> {
  const wanted = words.join(", ").replace(/, ([^,]*)$/, " or $1");
  const find = (raw: unknown) =>
    words.find((word) => word === raw) ??
      (typeof raw === "string" && Object.hasOwn(synonyms, raw) ? synonyms[raw] : undefined);
  return {
    placeholder: words.join("|"),
    wanted,
    schema: read(wanted, find),
    show: (value) => value,
  };
}

/** Words for yes and no; those of YAML 1.1, which Go programs read, are among them. */
const BOOLEANS: ReadonlyMap<unknown, boolean> = new Map<unknown, boolean>([
  ...[true, "true", "yes", "on", "1", 1].map((word): [unknown, boolean] => [word, true]),
  ...[false, "false", "no", "off", "0", 0].map((word): [unknown, boolean] => [word, false]),
]);

/** On or off. */
export const boolean: Kind<boolean> = {
  placeholder: "true|false",
  wanted: "true or false",
  schema: read(
    "true or false",
    (raw) => BOOLEANS.get(typeof raw === "string" ? raw.toLowerCase() : raw),
  ),
  show: (value) => value,
};

/** A whole number from `min` to `max`; `what` names it for people. */
export function integer(placeholder: string, what: string, min: number, max: number): Kind<number> {
  const wanted = `${what} from ${min} to ${max}`;
  return {
    placeholder,
    wanted,
    schema: read(wanted, (raw) => {
      const number = typeof raw === "string" && /^[0-9]{1,15}$/.test(raw) ? Number(raw) : raw;
      return typeof number === "number" && Number.isInteger(number) && number >= min &&
          number <= max
        ? number
        : undefined;
    }),
    show: (value) => value,
  };
}

/** Longer units than Go's, which the older system took too, in milliseconds. */
const LONG_UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["d", 86_400_000],
  ["w", 7 * 86_400_000],
  ["y", 365 * 86_400_000],
]);

/** A length of time of at least `min`; a number is seconds. */
export function duration(min: string): Kind<Duration> {
  const minMs = tryParseDurationMs(min) ?? 0;
  const wanted = `a duration such as "90s" or "1h30m", or seconds, from ${min} to 24 days`;
  return {
    placeholder: "DURATION",
    wanted,
    schema: read(wanted, (raw) => {
      const ms = typeof raw === "string" || typeof raw === "number" ? durationMs(raw) : undefined;
      return ms !== undefined && ms >= minMs && ms <= MAX_DURATION_MS ? { ms } : undefined;
    }),
    show: ({ ms }) => formatDuration(ms),
  };
}

/** As far as a timer counts: 2^31 - 1 ms, 24 days. */
const MAX_DURATION_MS = 2 ** 31 - 1;

function durationMs(raw: string | number): number | undefined {
  if (typeof raw === "number") return tryParseDurationMs(raw);
  if (/^[0-9]{1,9}$/.test(raw)) return Number(raw) * 1_000;
  const [, amount, unit = ""] = /^([0-9]{1,6})([dwy])$/.exec(raw) ?? [];
  const unitMs = LONG_UNIT_MS.get(unit);
  return unitMs === undefined ? tryParseDurationMs(raw) : Number(amount) * unitMs;
}

function formatDuration(ms: number): string {
  const units: [string, number][] = [["h", 3_600_000], ["m", 60_000], ["s", 1_000]];
  const whole = units.find(([, unitMs]) => ms > 0 && ms % unitMs === 0);
  return whole ? `${ms / whole[1]}${whole[0]}` : `${ms}ms`;
}

/** Several values: a list, or a text with commas. */
export function list<Value>(item: Kind<Value>, plural: string): Kind<readonly Value[]> {
  const wanted = `${plural}, as a list or with commas`;
  const items = v.array(item.schema);
  return {
    placeholder: `${item.placeholder},...`,
    wanted,
    schema: v.pipe(v.unknown(), v.transform(splitList), items),
    show: (values) => values.map((value) => item.show(value)),
  };
}

/** A text with commas as a list; any other value as it is. */
export function splitList(raw: unknown): unknown {
  if (typeof raw !== "string") return raw;
  return raw.split(",").map((part) => part.trim()).filter((part) => part !== "");
}

/** A schema of one function; undefined from it is a fault. */
export function read<Value>(
  wanted: string,
  parse: (raw: unknown) => Value | undefined,
): v.GenericSchema<unknown, Value> {
  return parsedBy(v.unknown(), parse, wanted);
}
