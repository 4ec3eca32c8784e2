/**
 * Schemas at the edges: `unknown` becomes a typed value, or one error that lists every fault with
 * its path and value.
 */
import * as v from "valibot";
import { ConfigError } from "./errors.ts";
import { nearestWord } from "./nearest.ts";

/** Longest rendering of a refused value in an error text, in characters. */
const MAX_SHOWN_CHARACTERS = 80;

/**
 * Checks `input` against `schema`.
 * @param what names the input in the error, such as `network config "pods"`.
 * @throws ConfigError that lists all faults, as `path: text (got value)`.
 */
export function parseWith<Schema extends v.GenericSchema>(
  schema: Schema,
  input: unknown,
  what: string,
): v.InferOutput<Schema> {
  const outcome = v.safeParse(schema, input);
  if (outcome.success) return outcome.output;
  throw new ConfigError(
    "invalid-config",
    `Cannot use ${what}: ${outcome.issues.map(formatIssue).join("; ")}`,
  );
}

/**
 * A schema for text that `parse` understands; undefined from it is a fault.
 * @param wanted names what a good text is, such as `an IP prefix`.
 */
export function parsedText<Value>(
  parse: (text: string) => Value | undefined,
  wanted: string,
): v.GenericSchema<string, Value> {
  return parsedBy(v.string(), parse, wanted);
}

/** {@linkcode parsedText} for what another schema lets through, such as text or a number. */
export function parsedBy<Input, Value>(
  schema: v.GenericSchema<Input>,
  parse: (input: Input) => Value | undefined,
  wanted: string,
): v.GenericSchema<Input, Value> {
  return v.pipe(
    schema,
    v.rawTransform<Input, Value>(({ dataset, addIssue, NEVER }) => {
      const value = parse(dataset.value);
      if (value !== undefined) return value;
      addIssue({ message: `${wanted} wanted` });
      return NEVER;
    }),
  );
}

/**
 * A schema for an object. Members that it does not know are kept, but one whose name is nearly that
 * of a known one is a fault: to ignore a misspelt member would do what nobody wants.
 * @param others names that are read elsewhere.
 */
export function spelledObject<Entries extends v.ObjectEntries>(
  entries: Entries,
  others: readonly string[] = [],
): v.GenericSchema<unknown, v.InferOutput<v.ObjectSchema<Entries, undefined>>> {
  const known = Object.keys(entries);
  return v.pipe(
    v.looseObject(entries),
    v.rawCheck(({ dataset, addIssue }) => {
      const object: unknown = dataset.value;
      if (typeof object !== "object" || object === null) return;
      for (const [key, value] of Object.entries(object)) {
        if (known.includes(key) || others.includes(key)) continue;
        const meant = nearestWord(key, known);
        if (meant === undefined) continue;
        addIssue({
          message: `the key "${meant}" wanted`,
          input: value,
          path: [{ type: "object", origin: "key", input: { ...object }, key, value }],
        });
      }
    }),
  );
}

/**
 * The value without members that are null or empty text, at every depth: Go programs write so what
 * they do not have; nor such that are undefined, which JSON could not say. A null of its own becomes
 * undefined; places in arrays are kept.
 */
export function withoutEmpty(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(withoutEmpty);
  if (typeof value !== "object" || value === null) return value ?? undefined;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([, member]) => (member ?? "") !== "")
      .map(([key, member]) => [key, withoutEmpty(member)]),
  );
}

/** True for what JSON calls an object. */
export function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** How an error text shows a refused value: as JSON, cut when it is long. */
export function showValue(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}...` : text;
}

function formatIssue(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? "(top level)";
  const wanted = issue.kind === "schema" && issue.type !== "custom" && issue.expected
    ? `${issue.expected} wanted`
    : issue.message;
  return `${path}: ${wanted}, got ${showValue(issue.input)}`;
}
