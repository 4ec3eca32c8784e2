import { hasNameAlphabet, MAX_NAME_BYTES } from "../../../lib/cni/environment.ts";

/**
 * What is wanted of a container id or network name, for ADD and DEL would refuse this one: SPEC.md
 * sections 1 and 2. Undefined for a good one.
 */
export function nameFault(name: string): string | undefined {
  if (!hasNameAlphabet(name)) return "letters, digits, _, . and - wanted, a letter or digit first";
  if (name.length > MAX_NAME_BYTES) return `${MAX_NAME_BYTES} bytes at most wanted`;
  return undefined;
}
