/** Errors as the CNI specification wants them: one table of codes, one error object. */
import { ClientError, errorText, HeadcniError, type Reason } from "../errors.ts";
import type { SpecVersion } from "./version.ts";

/**
 * CNI error code of every reason. 0 to 99 belong to the specification (SPEC.md section 5, "Error"),
 * 999 is what the reference library answers for anything unclassified, 100 and up are ours;
 * 108 is kept for a daemon that cannot be reached.
 */
export const ERROR_CODES: Readonly<Record<Reason, number>> = {
  "incompatible-version": 1,
  "unsupported-field": 2,
  "unknown-container": 3,
  "invalid-environment": 4,
  "io-failure": 5,
  "decode-failure": 6,
  "invalid-config": 7,
  "invalid-netns": 8,
  "try-again": 11,
  "unavailable": 50,
  "limited-connectivity": 51,
  "no-pod-cidr": 100,
  "pool-exhausted": 101,
  "address-unavailable": 102,
  "store-failure": 103,
  "store-damaged": 103,
  "already-attached": 104,
  "kernel-failure": 105,
  "firewall-failure": 106,
  "delegate-failure": 107,
  "check-failure": 109,
  "port-taken": 110,
  "internal": 999,
};

/** What a plugin prints when it fails: SPEC.md section 5, "Error". */
export interface ErrorObject {
  readonly cniVersion: SpecVersion;
  readonly code: number;
  readonly msg: string;
  readonly details?: string;
}

/** Another plugin failed and said why; its code is the code of our own answer. */
export class PluginError extends ClientError {
  /** `type` of the plugin that failed. */
  readonly plugin: string;
  /** Code of its error object. */
  readonly code: number;

  constructor(plugin: string, answer: { code: number; msg: string; details?: string }) {
    const details = answer.details ? { details: answer.details } : {};
    super("delegate-failure", `Cannot run plugin "${plugin}": ${answer.msg}`, details);
    this.plugin = plugin;
    this.code = answer.code;
  }
}

/**
 * The error object of anything that was thrown. The causes become its details unless the error
 * brought details of its own.
 */
export function errorObject(error: unknown, cniVersion: SpecVersion): ErrorObject {
  const msg = errorText(error) || "Cannot go on: an error without a text";
  const details = (error instanceof HeadcniError && error.details) || causeText(error);
  return { cniVersion, code: errorCode(error), msg, ...details && { details } };
}

function errorCode(error: unknown): number {
  if (error instanceof PluginError) return error.code;
  return ERROR_CODES[error instanceof HeadcniError ? error.reason : "internal"];
}

/** A chain of causes can be a ring. */
const MAX_CAUSES = 5;

/** The texts of the causes, outermost first, without those that the message tells already. */
function causeText(error: unknown): string {
  const texts: string[] = [];
  let told = errorText(error);
  let cause = error instanceof Error ? error.cause : undefined;
  for (let depth = 0; cause !== undefined && depth < MAX_CAUSES; depth++) {
    const text = errorText(cause);
    if (!told.includes(text)) texts.push(text);
    told += text;
    cause = cause instanceof Error ? cause.cause : undefined;
  }
  return texts.join(": ");
}
