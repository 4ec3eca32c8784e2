/** Asks the daemon of this node from another process: by its socket, or by TCP. */
import type * as v from "valibot";
import { ClientError, errorText } from "../errors.ts";
import { parseWith } from "../schema.ts";
import { askUnix } from "../tailscale/unix_http.ts";

/** What it answered. */
export interface DaemonAnswer {
  readonly status: number;
  readonly text: string;
}

/** Why there is no answer: nobody listens, only root may ask, or a reason that says nothing of that. */
export type Silence = "stopped" | "forbidden" | "unknown";

/** The daemon gave no answer. */
export class DaemonSilent extends ClientError {
  override readonly name = "ClientError";
  readonly silence: Silence;

  constructor(socket: string, silence: Silence, seen: string, cause: unknown) {
    super("delegate-failure", `Cannot ask the daemon at "${socket}": ${seen}`, { cause });
    this.silence = silence;
  }
}

/** It answers from memory. */
const DEADLINE_MS = 2_000;

/**
 * Asks for a path, such as `/status`.
 * @param socket setting `socket`.
 * @throws DaemonSilent
 */
export async function askDaemon(
  socket: string,
  target: string,
  deadlineMs: number = DEADLINE_MS,
): Promise<DaemonAnswer> {
  const request = { method: "GET", target, host: "headcni" };
  try {
    const { status, body } = await askUnix(socket, request, AbortSignal.timeout(deadlineMs));
    return { status, text: await new Response(body).text() };
  } catch (error) {
    throw new DaemonSilent(socket, ...reasonOf(error, deadlineMs), error);
  }
}

/**
 * The same by TCP, which needs no rights.
 * @param url such as `http://127.0.0.1:9001/status`.
 * @throws ClientError
 */
export async function askDaemonByTcp(
  url: string,
  deadlineMs: number = DEADLINE_MS,
): Promise<DaemonAnswer> {
  try {
    const response = await fetch(url, { signal: AbortSignal.timeout(deadlineMs) });
    return { status: response.status, text: await response.text() };
  } catch (cause) {
    const seen = isLate(cause) ? lateText(deadlineMs) : errorText(cause);
    throw new ClientError("delegate-failure", `Cannot get "${url}": ${seen}`, { cause });
  }
}

/**
 * Reads what `/status` answers; the daemon may be of another release.
 * @param schema what is wanted of it.
 * @param socket of the daemon, for the error.
 * @throws ClientError when that is not in it.
 */
export function parseStatus<T>(
  schema: v.GenericSchema<unknown, T>,
  { status, text }: DaemonAnswer,
  socket: string,
): T {
  try {
    return parseWith(schema, JSON.parse(text), "its status");
  } catch (cause) {
    throw new ClientError(
      "delegate-failure",
      `Cannot understand the daemon at "${socket}": it answers ${status}: ${errorText(cause)}; ` +
        "is it of another release?",
      { cause },
    );
  }
}

function reasonOf(error: unknown, deadlineMs: number): [Silence, string] {
  const { NotFound, ConnectionRefused, PermissionDenied } = Deno.errors;
  if (error instanceof NotFound) {
    return ["stopped", "there is no such socket; start headcni daemon"];
  }
  if (error instanceof ConnectionRefused) {
    return ["stopped", "nobody listens there any more; start headcni daemon"];
  }
  if (error instanceof PermissionDenied) {
    return ["forbidden", "it belongs to root, run this as root"];
  }
  return ["unknown", isLate(error) ? lateText(deadlineMs) : errorText(error)];
}

function isLate(error: unknown): boolean {
  return error instanceof DOMException && error.name === "TimeoutError";
}

function lateText(deadlineMs: number): string {
  return `it did not answer in ${deadlineMs / 1_000} s`;
}
