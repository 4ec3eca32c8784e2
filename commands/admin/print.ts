/** How every command prints its answer: for people, or for programs. */
import { type Screen, standardScreen } from "./screen.ts";

/** A table for people, JSON or YAML for programs. */
export const OUTPUT_FORMATS = ["table", "json", "yaml"] as const;

/** One of {@linkcode OUTPUT_FORMATS}. */
export type OutputFormat = typeof OUTPUT_FORMATS[number];

/**
 * Prints what a command answers, with a line's end.
 * @param value what programs get; the same in JSON and in YAML.
 * @param format the text for people.
 */
export async function print(
  output: OutputFormat,
  value: unknown,
  format: (screen: Screen) => string,
): Promise<void> {
  if (output === "table") console.log(format(standardScreen()));
  else if (output === "json") console.log(formatJson(value));
  else console.log((await import("./yaml.ts")).formatYaml(value));
}

/** A value as programs read it. */
export function formatJson(value: unknown): string {
  return JSON.stringify(value, undefined, 2);
}
