/** A value in YAML; a module of its own, for to load the library takes longer than most commands. */
import { stringify } from "yaml";

/**
 * The same value that JSON has, without the end of its last line: by way of JSON, so that what is not
 * in that is not here either, and nothing is written by reference.
 */
export function formatYaml(value: unknown): string {
  const json = JSON.parse(JSON.stringify(value));
  // Readers of YAML 1.1 take `no` and `1:30` for other things than texts; those are quoted.
  return stringify(json, { compat: "yaml-1.1", lineWidth: 0 }).trimEnd();
}
