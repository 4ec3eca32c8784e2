/**
 * What was being done, as it completes "Cannot ..." in an error, such as `add link "veth0"`. A
 * function when the text takes work, for it is needed only when something fails.
 */
export type Doing = string | (() => string);

/** The beginning of an error text. */
export function cannot(doing: Doing): string {
  return `Cannot ${typeof doing === "string" ? doing : doing()}`;
}
