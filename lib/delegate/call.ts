/** Running other plugins: SPEC.md section 4. */
import { PluginError } from "../cni/codes.ts";
import type { Request, Verb } from "../cni/request.ts";
import { ClientError, errorText } from "../errors.ts";
import { type ChildOutcome, runChild } from "./child.ts";
import { findPlugin } from "./find.ts";

/** A plugin that could not be started has done nothing. */
export class NotStarted extends ClientError {}

/** A call of another plugin. */
export interface PluginCall {
  /** Name of its executable. */
  readonly type: string;
  readonly verb: Verb;
  /** The call that we got ourselves; the child gets its environment. */
  readonly request: Pick<Request, "containerId" | "netns" | "ifname" | "argsText" | "path">;
  /** The network configuration for the child. */
  readonly config: unknown;
  /** Time in milliseconds after which the child is killed; 60 seconds by default. */
  readonly deadlineMs?: number;
}

/** Less than the two minutes that a kubelet waits for a pod's sandbox. */
const DEADLINE_MS = 60_000;
/** Longest piece of a child's output in an error, in characters. */
const MAX_SHOWN_CHARACTERS = 1000;

/**
 * Calls another plugin.
 * @returns the JSON value that ADD or VERSION printed, undefined for the other verbs.
 * @throws PluginError with the plugin's own code when it said what failed, NotStarted when it cannot be
 * executed, ClientError when it is not there, did not answer in time, or answered what nobody can
 * read.
 */
export async function callPlugin(call: PluginCall): Promise<unknown> {
  return await callExecutable(findPlugin(call.type, call.request.path), call);
}

/** {@linkcode callPlugin} with an executable that was found, which may be ours. */
export async function callExecutable(path: string, call: PluginCall): Promise<unknown> {
  const { type, verb, request, config, deadlineMs = DEADLINE_MS } = call;
  const env = childEnvironment(verb, request);
  const outcome = await runChild(path, { env, stdin: JSON.stringify(config), deadlineMs })
    .catch((cause) => {
      throw new NotStarted(
        "delegate-failure",
        `Cannot start plugin "${path}": ${errorText(cause)}`,
        { cause },
      );
    });
  passOn(outcome.stderr);
  if (outcome.timedOut) {
    throw delegateError(type, `no answer after ${deadlineMs} ms, so it was killed`, outcome);
  }
  if (outcome.code !== 0) throw reportedError(type, outcome);
  return verb === "ADD" || verb === "VERSION" ? readAnswer(type, outcome) : undefined;
}

function childEnvironment(
  verb: Verb,
  request: PluginCall["request"],
): Record<string, string> {
  return {
    CNI_COMMAND: verb,
    CNI_CONTAINERID: request.containerId,
    CNI_NETNS: request.netns,
    CNI_IFNAME: request.ifname,
    CNI_ARGS: request.argsText,
    CNI_PATH: request.path.join(":"),
  };
}

/** What a plugin says on stderr is for the runtime's log, as if it had been called directly. */
function passOn(text: string): void {
  if (text === "") return;
  try {
    Deno.stderr.writeSync(new TextEncoder().encode(text));
  } catch {
    // A runtime may close our stderr.
  }
}

/** Some report a failure and exit as if there were none. */
function readAnswer(type: string, outcome: ChildOutcome): unknown {
  const failure = parseErrorObject(outcome.stdout);
  if (failure) throw new PluginError(type, failure);
  try {
    return JSON.parse(outcome.stdout);
  } catch (cause) {
    throw delegateError(type, `it printed no JSON: "${shorten(outcome.stdout)}"`, outcome, cause);
  }
}

/** The plugin's own error object, or what is known without one. */
function reportedError(type: string, outcome: ChildOutcome): ClientError {
  const answer = parseErrorObject(outcome.stdout);
  if (answer) return new PluginError(type, answer);
  const end = outcome.signal ? `ended by ${outcome.signal}` : `exit code ${outcome.code}`;
  const said = shorten(outcome.stderr || outcome.stdout) || "nothing was printed";
  return delegateError(type, `${end} without an error object: ${said}`, outcome);
}

function parseErrorObject(text: string): ConstructorParameters<typeof PluginError>[1] | undefined {
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch {
    return undefined;
  }
  if (typeof value !== "object" || value === null || !("code" in value)) return undefined;
  const { code } = value;
  if (typeof code !== "number" || !Number.isInteger(code) || code <= 0) return undefined;
  const msg = "msg" in value && typeof value.msg === "string" ? value.msg : `code ${code}`;
  const details = "details" in value && typeof value.details === "string" ? value.details : "";
  return { code, msg, details };
}

function delegateError(
  type: string,
  seen: string,
  outcome: ChildOutcome,
  cause?: unknown,
): ClientError {
  const details = shorten(outcome.stderr);
  return new ClientError("delegate-failure", `Cannot run plugin "${type}": ${seen}`, {
    cause,
    ...details && { details },
  });
}

function shorten(text: string): string {
  const trimmed = text.trim();
  return trimmed.length > MAX_SHOWN_CHARACTERS
    ? `${trimmed.slice(0, MAX_SHOWN_CHARACTERS)}...`
    : trimmed;
}
