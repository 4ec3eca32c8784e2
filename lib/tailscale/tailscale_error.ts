/** What can go wrong with a tailscaled, and what a person does about it. */
import { ClientError, errorText, type FaultOptions } from "../errors.ts";
import { redact } from "../redact.ts";
import { HttpSyntaxError } from "./unix_http.ts";

/**
 * - `no-socket`: nobody listens
 * - `permission`: we may not ask that
 * - `config-file`: it runs with `--config`, which locks its preferences
 * - `refused`: it says no, and why
 * - `no-answer`: it takes too long, or breaks off
 * - `nonsense`: whoever answers is no tailscaled that we know
 */
export type TailscaleFault =
  | "no-socket"
  | "permission"
  | "config-file"
  | "refused"
  | "no-answer"
  | "nonsense";

/** A request that tailscaled did not do. */
export class TailscaleError extends ClientError {
  readonly kind: TailscaleFault;

  constructor(kind: TailscaleFault, message: string, options: FaultOptions = {}) {
    super("delegate-failure", message, options);
    this.kind = kind;
  }
}

/** What a request was about. */
export interface Asked {
  /** Such as `read the status of tailscaled at "/run/tailscale/tailscaled.sock"`. */
  readonly doing: string;
  readonly deadlineMs: number;
}

/** What a request that never got an answer, or half of one, is told as. */
export function failureOf({ doing, deadlineMs }: Asked, cause: unknown): TailscaleError {
  if (cause instanceof TailscaleError) return cause;
  const failed = (kind: TailscaleFault, text: string) =>
    new TailscaleError(kind, `Cannot ${doing}: ${text}`, { cause });
  if (cause instanceof DOMException && cause.name === "TimeoutError") {
    return failed("no-answer", `no answer in ${deadlineMs} ms; see the log of tailscaled`);
  }
  if (cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory) {
    return failed("no-socket", "there is no such socket; start tailscaled, or name its socket");
  }
  if (cause instanceof Deno.errors.ConnectionRefused) {
    return failed("no-socket", "nobody listens on the socket; start tailscaled");
  }
  if (cause instanceof Deno.errors.PermissionDenied) {
    return failed("permission", "the socket may not be opened; run as root");
  }
  if (cause instanceof HttpSyntaxError) {
    return failed("nonsense", `it speaks no HTTP: ${cause.message}; is that a tailscaled?`);
  }
  return failed("no-answer", `it broke off: ${errorText(cause)}; see the log of tailscaled`);
}

/**
 * What a status other than 2xx is told as.
 * @param said its answer, as text or as JSON with `error`.
 * @param secret what its text must not show.
 */
export function refusalOf(
  { doing }: Asked,
  { status, said, secret }: {
    readonly status: number;
    readonly said: string;
    readonly secret?: string | undefined;
  },
): TailscaleError {
  const text = withoutSecret(saidText(said), secret) || `status ${status}`;
  if (isConfigFileText(text)) {
    return new TailscaleError(
      "config-file",
      `Cannot ${doing}: ${text}; change its configuration file, or let it say "Locked": false`,
    );
  }
  if (status === 401 || status === 403) {
    return new TailscaleError("permission", `Cannot ${doing}: ${text}; run as root`);
  }
  return new TailscaleError("refused", `Cannot ${doing}: it refuses: ${text}`);
}

/** What an answer that we cannot read is told as. */
export function nonsenseOf({ doing }: Asked, cause: unknown): TailscaleError {
  return new TailscaleError(
    "nonsense",
    `Cannot ${doing}: its answer makes no sense: ${errorText(cause)}; is that a tailscaled?`,
    { cause },
  );
}

/** How tailscaled says that `--config` locks its preferences: ipn/ipnlocal/local.go. */
function isConfigFileText(text: string): boolean {
  return /using a config file|config file is locked/.test(text);
}

/** Longest answer that is told, in characters. */
const MAX_SAID_CHARACTERS = 500;

/** Handlers answer `{"error": text}`, `{"Error": text}`, or a line of text: ipn/localapi. */
function saidText(said: string): string {
  const text = said.trim();
  const json = parseJson(text);
  const member = typeof json === "object" && json !== null
    ? new Map<string, unknown>(Object.entries(json))
    : new Map<string, unknown>();
  const error = member.get("error") ?? member.get("Error");
  const one = typeof error === "string" ? error : text;
  return one.replaceAll("\n", "; ").slice(0, MAX_SAID_CHARACTERS);
}

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}

function withoutSecret(text: string, secret = ""): string {
  const cut = secret === "" ? text : text.replaceAll(secret, "[redacted]");
  return String(redact(cut));
}
