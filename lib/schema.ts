/**
 * Schemas at the edges: `unknown` becomes a typed value, or one error that lists every fault with
 * its path and value.
 */
import * as v from "valibot";
import { ConfigError } from "./errors.ts";

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

function formatIssue(issue: v.BaseIssue<unknown>): string {
  const path = v.getDotPath(issue) ?? "(top level)";
  const wanted = issue.kind === "schema" && issue.expected
    ? `${issue.expected} wanted`
    : issue.message;
  return `${path}: ${wanted}, got ${showValue(issue.input)}`;
}

function showValue(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > MAX_SHOWN_CHARACTERS ? `${text.slice(0, MAX_SHOWN_CHARACTERS)}...` : text;
}
