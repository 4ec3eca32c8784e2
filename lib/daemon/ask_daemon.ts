/** Asks the daemon of this node by its socket, from another process. */
import { ClientError, errorText } from "../errors.ts";
import { askUnix } from "../tailscale/unix_http.ts";

/** What it answered. */
export interface DaemonAnswer {
  readonly status: number;
  readonly text: string;
}

/** Why there is no answer: nobody listens, or another reason that says nothing of that. */
export type Silence = "stopped" | "unknown";

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

function reasonOf(error: unknown, deadlineMs: number): [Silence, string] {
  const { NotFound, ConnectionRefused, PermissionDenied } = Deno.errors;
  if (error instanceof NotFound) {
    return ["stopped", "there is no such socket; start headcni daemon"];
  }
  if (error instanceof ConnectionRefused) {
    return ["stopped", "nobody listens there any more; start headcni daemon"];
  }
  if (error instanceof PermissionDenied) return ["unknown", "it belongs to root, run this as root"];
  if (error instanceof DOMException && error.name === "TimeoutError") {
    return ["unknown", `it did not answer in ${deadlineMs / 1_000} s`];
  }
  return ["unknown", errorText(error)];
}
