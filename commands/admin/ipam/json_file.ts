import type * as v from "valibot";
import { ConfigError, errorText } from "../../../lib/errors.ts";
import { parseWith } from "../../../lib/schema.ts";

/** What stands for standard input in the place of a path. */
const STANDARD_INPUT = "-";

/**
 * Reads a file of JSON, or standard input for `-`, and checks its shape.
 * @throws ConfigError that names the file and every fault with its place.
 */
export function readJsonFile<Schema extends v.GenericSchema>(
  path: string,
  schema: Schema,
): v.InferOutput<Schema> {
  return parseWith(schema, parseJson(path, readText(path)), `"${path}"`);
}

function readText(path: string): string {
  try {
    return Deno.readTextFileSync(path === STANDARD_INPUT ? "/dev/stdin" : path);
  } catch (cause) {
    const isMissing = cause instanceof Deno.errors.NotFound;
    const seen = isMissing ? "there is no such file" : errorText(cause);
    throw new ConfigError("io-failure", `Cannot read "${path}": ${seen}`, { cause });
  }
}

function parseJson(path: string, text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new ConfigError("decode-failure", `Cannot read "${path}": ${errorText(cause)}`, {
      cause,
    });
  }
}
