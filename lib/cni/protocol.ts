/**
 * One call of a plugin from environment and standard input to what it prints and its exit code,
 * SPEC.md sections 2, 4 and 5. Whatever fails becomes one error object.
 */
import { log } from "../log.ts";
import { VERSION } from "../version.ts";
import { errorObject } from "./codes.ts";
import { type Environment, parseEnvironment, parseVerb, splitPath } from "./environment.ts";
import { decodeConfig, parseNetworkConfig } from "./network_config.ts";
import type { NetworkConfig, Request } from "./request.ts";
import type { Result } from "./result.ts";
import { formatResult } from "./result_codec.ts";
import {
  answerVersion,
  NEWEST_VERSION,
  parseSpecVersion,
  SPEC_VERSIONS,
  type SpecVersion,
} from "./version.ts";

/** What a role does, one function a verb. They throw the errors of `lib/errors.ts`. */
export interface Handlers {
  ADD(request: Request): Promise<Result>;
  DEL(request: Request): Promise<void>;
  CHECK(request: Request): Promise<void>;
  GC(request: Request): Promise<void>;
  STATUS(request: Request): Promise<void>;
  /**
   * The versions that all plugins speak which would carry out a configuration; all of ours when
   * absent. Never throws.
   */
  VERSION?(raw: NetworkConfig["raw"], path: readonly string[]): Promise<readonly SpecVersion[]>;
}

/** What the process was given. */
export interface Call {
  readonly env: Environment;
  /** All of standard input. */
  readStdin(): Uint8Array;
  /** What stands on standard input already, possibly nothing; does not wait for its end. */
  peekStdin(): Promise<Uint8Array>;
}

/** What the process has to print and to return. */
export interface Answer {
  readonly stdout: string;
  readonly stderr: string;
  readonly exitCode: number;
  /** After a successful ADD: takes it back, for a caller that could not be told of it. */
  undo?(): Promise<void>;
}

/** Answers a call; never throws. */
export async function answerCall(call: Call, handlers: Handlers): Promise<Answer> {
  const command = call.env.CNI_COMMAND;
  if (!command) return { stdout: "", stderr: ABOUT, exitCode: 0 };
  let version: SpecVersion = NEWEST_VERSION;
  try {
    const verb = parseVerb(command);
    if (verb === "VERSION") return success(await describeVersions(call, handlers));
    const environment = parseEnvironment(call.env, verb);
    const raw = decodeConfig(call.readStdin());
    version = answerVersion(raw);
    const config = parseNetworkConfig(raw, parseSpecVersion(raw, verb), verb);
    const request: Request = { verb, ...environment, config };
    if (verb === "ADD") return await performAdd(request, handlers);
    await handlers[verb](request);
    return SILENCE;
  } catch (error) {
    return failure(error, version);
  }
}

/** The answer to anything that went wrong. */
export function failure(error: unknown, version: SpecVersion = NEWEST_VERSION): Answer {
  return { ...success(errorObject(error, version)), exitCode: 1 };
}

/** For people who start a plugin by hand. */
const ABOUT = `HeadCNI ${VERSION}: a CNI plugin, to be called by a container runtime\n` +
  `CNI protocol versions supported: ${SPEC_VERSIONS.join(", ")}\n`;

const SILENCE: Answer = { stdout: "", stderr: "", exitCode: 0 };

function success(object: unknown): Answer {
  return { ...SILENCE, stdout: `${JSON.stringify(object)}\n` };
}

/** A result that the caller's version cannot express must not stay behind as an attachment. */
async function performAdd(request: Request, handlers: Handlers): Promise<Answer> {
  const result = await handlers.ADD(request);
  const undo = () => handlers.DEL({ ...request, verb: "DEL" });
  try {
    return { ...success(formatResult(result, request.config.cniVersion)), undo };
  } catch (error) {
    await undo().catch((cause) => log.warn("Cannot undo a failed ADD", { error: cause }));
    throw error;
  }
}

/**
 * SPEC.md section 5, "Version": the caller's version echoed. Callers probe with dummy environments
 * and without input, so nothing here is a fault.
 */
async function describeVersions(call: Call, handlers: Handlers): Promise<unknown> {
  let raw: NetworkConfig["raw"] = {};
  try {
    raw = decodeConfig(await call.peekStdin());
  } catch {
    // No input, or none that we can read.
  }
  const cniVersion = raw.cniVersion ? answerVersion(raw) : NEWEST_VERSION;
  const supportedVersions = await handlers.VERSION?.(raw, splitPath(call.env.CNI_PATH));
  return { cniVersion, supportedVersions: supportedVersions ?? SPEC_VERSIONS };
}
