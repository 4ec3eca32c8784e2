/** Kinds of values that say how much of a log is kept. A number means what it does for lumberjack, Go's. */
import { type Duration, type Kind, read } from "./kind.ts";

const MB = 1024 ** 2;
const UNIT_BYTES: ReadonlyMap<string, number> = new Map([
  ["K", 1024],
  ["M", MB],
  ["G", 1024 ** 3],
]);
const MIN_BYTES = 64 * 1024;
const MAX_BYTES = 100 * 1024 ** 3;

/** What lumberjack makes of 0. */
const DEFAULT_BYTES = 100 * MB;

/** A size in bytes; a bare number is of MB. */
export const megabytes: Kind<number> = kind(
  "SIZE",
  'a size such as "10MB" or "512KB", or MB, from 64KB to 100GB',
  (text) => {
    const [, amount, unit = "M"] = /^([0-9]{1,9})(?: ?([KMG])i?B?)?$/.exec(text) ?? [];
    const bytes = Number(amount) * (UNIT_BYTES.get(unit) ?? NaN) || DEFAULT_BYTES;
    return amount !== undefined && bytes >= MIN_BYTES && bytes <= MAX_BYTES ? bytes : undefined;
  },
  (bytes) => bytes % MB === 0 ? `${bytes / MB}MB` : `${bytes / 1024}KB`,
);

const HOUR_MS = 3_600_000;
const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["h", HOUR_MS],
  ["d", 24 * HOUR_MS],
  ["w", 7 * 24 * HOUR_MS],
]);

/** A length of time; a bare number is of days. */
export const days: Kind<Duration> = kind(
  "AGE",
  'an age such as "7d", "48h" or "2w", or days, 0 for none',
  (text) => {
    const [, amount, unit = "d"] = /^([0-9]{1,6})([hdw])?$/.exec(text) ?? [];
    const ms = Number(amount) * (UNIT_MS.get(unit) ?? NaN);
    return Number.isNaN(ms) ? undefined : { ms };
  },
  ({ ms }) => ms % (24 * HOUR_MS) === 0 ? `${ms / (24 * HOUR_MS)}d` : `${ms / HOUR_MS}h`,
);

function kind<Value>(
  placeholder: string,
  wanted: string,
  parse: (text: string) => Value | undefined,
  show: (value: Value) => string,
): Kind<Value> {
  const isText = (raw: unknown) => typeof raw === "string" || typeof raw === "number";
  const schema = read(wanted, (raw) => isText(raw) ? parse(String(raw)) : undefined);
  return { placeholder, wanted, schema, show };
}
