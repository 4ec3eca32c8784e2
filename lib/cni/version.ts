/** Versions of the CNI specification that we speak, oldest first. Matching is exact. */
export const SPEC_VERSIONS = [
  "0.1.0",
  "0.2.0",
  "0.3.0",
  "0.3.1",
  "0.4.0",
  "1.0.0",
  "1.1.0",
] as const;

/** One of {@linkcode SPEC_VERSIONS}. */
export type SpecVersion = typeof SPEC_VERSIONS[number];

/** True when that version is one that we speak. */
export function isSpecVersion(text: string): text is SpecVersion {
  return (SPEC_VERSIONS as readonly string[]).includes(text);
}

/** True when `version` is `least` or newer. */
export function isAtLeast(version: SpecVersion, least: SpecVersion): boolean {
  return SPEC_VERSIONS.indexOf(version) >= SPEC_VERSIONS.indexOf(least);
}
