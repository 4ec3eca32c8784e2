/** Lengths of time as people write them. */

/** What a duration looks like, for error texts. */
export const DURATION_WANTED = 'a duration such as "60s" or "1h30m", or a number of seconds,';

/** Units of Go's `time.ParseDuration` in milliseconds. */
const UNIT_MS: ReadonlyMap<string, number> = new Map([
  ["ns", 1e-6],
  ["us", 1e-3],
  ["ms", 1],
  ["s", 1_000],
  ["m", 60_000],
  ["h", 3_600_000],
]);

/**
 * Reads a length of time: text as Go writes it (`90s`, `1h30m`, `1.5s`; no sign), or a number of
 * seconds. Answers milliseconds, or undefined when it is neither.
 */
export function tryParseDurationMs(value: string | number): number | undefined {
  const totalMs = typeof value === "number" ? value * 1_000 : sumParts(value);
  return totalMs !== undefined && totalMs >= 0 && Number.isFinite(totalMs) ? totalMs : undefined;
}

function sumParts(text: string): number | undefined {
  if (text === "0") return 0;
  if (!/^(\d+(\.\d*)?(ns|us|ms|s|m|h))+$/.test(text)) return undefined;
  let totalMs = 0;
  for (const [, amount, unit = ""] of text.matchAll(/([\d.]+)([a-z]+)/g)) {
    totalMs += Number(amount) * (UNIT_MS.get(unit) ?? NaN);
  }
  return totalMs;
}
