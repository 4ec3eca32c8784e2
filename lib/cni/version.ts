import { ConfigError } from "../errors.ts";
import { showValue } from "../schema.ts";
import type { Verb } from "./request.ts";

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

/** The version of a configuration that names none: SPEC.md of 0.1.0 had no such key. */
const UNNAMED_VERSION: SpecVersion = "0.1.0";
/** The newest that we speak. */
export const NEWEST_VERSION: SpecVersion = "1.1.0";

/** Verbs that older versions do not have. */
const LEAST_VERSION: Readonly<Partial<Record<Verb, SpecVersion>>> = {
  CHECK: "0.4.0",
  GC: "1.1.0",
  STATUS: "1.1.0",
};

/** True when `version` is `least` or newer. */
export function isAtLeast(version: SpecVersion, least: SpecVersion): boolean {
  return SPEC_VERSIONS.indexOf(version) >= SPEC_VERSIONS.indexOf(least);
}

/** `cniVersion` of an object when we speak it, otherwise our newest: the version of an answer. */
export function answerVersion(object: Readonly<Record<string, unknown>>): SpecVersion {
  return spokenVersion(claimedVersion(object)) ?? NEWEST_VERSION;
}

/**
 * Version of a network configuration that is called with `verb`; absent means 0.1.0. The texts are
 * those of the reference library, which callers compare.
 * @throws ConfigError when we do not speak it, or when it does not have the verb.
 */
export function parseSpecVersion(
  object: Readonly<Record<string, unknown>>,
  verb: Verb,
): SpecVersion {
  const claimed = claimedVersion(object);
  if (typeof claimed !== "string") {
    throw new ConfigError(
      "decode-failure",
      `Cannot parse cniVersion ${showValue(claimed)}: text wanted`,
    );
  }
  const least = LEAST_VERSION[verb];
  if (least) requireVerb(claimed, verb, least);
  const version = spokenVersion(claimed);
  if (version) return version;
  const spoken = SPEC_VERSIONS.map((version) => `"${version}"`).join(" ");
  throw new ConfigError("incompatible-version", "incompatible CNI versions", {
    details: `config is ${showValue(claimed)}, plugin supports [${spoken}]`,
  });
}

function claimedVersion({ cniVersion }: Readonly<Record<string, unknown>>): unknown {
  return cniVersion === "" ? UNNAMED_VERSION : cniVersion ?? UNNAMED_VERSION;
}

function spokenVersion(claimed: unknown): SpecVersion | undefined {
  return SPEC_VERSIONS.find((version) => version === claimed);
}

/** @throws ConfigError when the version is too old or too new for the verb, or no version. */
function requireVerb(claimed: string, verb: Verb, least: SpecVersion): void {
  if (!/^\d+(\.\d+){0,2}$/.test(claimed)) {
    throw new ConfigError(
      "decode-failure",
      `Cannot parse cniVersion ${showValue(claimed)}: a version such as "${NEWEST_VERSION}" wanted`,
    );
  }
  if (compareNumbers(claimed, least) < 0) {
    throw new ConfigError("incompatible-version", `config version does not allow ${verb}`);
  }
  if (compareNumbers(claimed, NEWEST_VERSION) > 0) {
    throw new ConfigError("incompatible-version", `plugin version does not allow ${verb}`);
  }
}

/** Order of two dotted versions; missing parts count as 0. */
function compareNumbers(a: string, b: string): number {
  const [left, right] = [a.split(".").map(Number), b.split(".").map(Number)];
  for (let i = 0; i < 3; i++) {
    const difference = (left[i] ?? 0) - (right[i] ?? 0);
    if (difference !== 0) return difference;
  }
  return 0;
}
