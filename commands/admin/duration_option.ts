import { InvalidArgumentError } from "commander";
import { tryParseDurationMs } from "../../lib/ipam/duration.ts";

/**
 * Reads the value of an option in milliseconds: a duration, or a number of seconds.
 * @throws InvalidArgumentError
 */
export function parseDuration(text: string): number {
  const milliseconds = tryParseDurationMs(/^\d+$/.test(text) ? Number(text) : text);
  if (milliseconds !== undefined) return milliseconds;
  throw new InvalidArgumentError("A duration such as 90s or 1h is wanted.");
}
