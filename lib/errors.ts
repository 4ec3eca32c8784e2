/**
 * The errors of HeadCNI. The class says who must act, the reason says what kind of fault it is;
 * `lib/cni/codes.ts` maps reasons to CNI error codes, and nothing else does.
 *
 * Texts read *Cannot \<do\> "\<value\>": \<what we saw\>*, without a final period, followed by what
 * to do about it where we know.
 */

/** What kind of fault an error reports. */
export type Reason =
  // Faults that the CNI specification names (SPEC.md, "Error").
  | "incompatible-version"
  | "unsupported-field"
  | "unknown-container"
  | "invalid-environment"
  | "io-failure"
  | "decode-failure"
  | "invalid-config"
  | "invalid-netns"
  | "try-again"
  | "unavailable"
  | "limited-connectivity"
  // What the reference library answers for anything unclassified.
  | "internal"
  // Faults of our own.
  | "no-pod-cidr"
  | "pool-exhausted"
  | "address-unavailable"
  | "store-failure"
  | "store-damaged"
  | "already-attached"
  | "kernel-failure"
  | "firewall-failure"
  | "delegate-failure"
  | "check-failure"
  | "port-taken";

/** What every error of ours carries beside its text. */
export interface FaultOptions extends ErrorOptions {
  /** Longer text for the `details` of a CNI error: what was seen, what to do. */
  readonly details?: string;
}

/** Base of every error that we throw on purpose. */
export class HeadcniError extends Error {
  override readonly name: string = "HeadcniError";
  readonly reason: Reason;
  readonly details: string | undefined;

  constructor(reason: Reason, message: string, options: FaultOptions = {}) {
    super(message, options);
    this.reason = reason;
    this.details = options.details;
  }
}

/** The user, or the runtime that calls us, must change what it gave us. */
export class ConfigError extends HeadcniError {
  override readonly name = "ConfigError";
}

/** The kernel refused a call. */
export class KernelError extends HeadcniError {
  override readonly name = "KernelError";
  /** Positive errno, errno(3). */
  readonly errno: number;
  /** The system call or netlink request, such as `RTM_NEWLINK`. */
  readonly call: string;

  constructor(
    call: string,
    errno: number,
    message: string,
    options: FaultOptions & { readonly reason?: "kernel-failure" | "firewall-failure" } = {},
  ) {
    super(options.reason ?? "kernel-failure", message, options);
    this.call = call;
    this.errno = errno;
  }
}

/** The state store cannot be read or written. */
export class StoreError extends HeadcniError {
  override readonly name = "StoreError";
}

/** Another program (a plugin, tailscaled, Headscale, the API server) failed us. */
export class ClientError extends HeadcniError {
  override readonly name = "ClientError";
}

/** The text of anything that can be thrown, for logs and `cause` lines. */
export function errorText(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/**
 * Text of what is at the bottom of an error. Of one of `fetch` it is what failed, where it itself says no
 * more than `fetch failed`.
 */
export function innermostText(error: unknown): string {
  const cause = error instanceof Error ? error.cause : undefined;
  if (cause !== undefined) return innermostText(cause);
  return errorText(error).replace(/^error sending request .*?: (?=client error)/, "");
}
