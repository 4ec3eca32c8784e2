/** What can go wrong with a Headscale, and what a person does about it. */
import { ClientError } from "../errors.ts";

/** What is known of a failure beside its text. */
export interface HeadscaleFault extends ErrorOptions {
  /** HTTP status; 0 when there was no answer. */
  readonly status: number;
  /** True when the same request may well succeed later. */
  readonly mayPass?: boolean;
}

/** A request that Headscale refused, or could not be asked. */
export class HeadscaleError extends ClientError {
  /**
   * HTTP status; 0 when there was no answer. It is 401 for a wrong API key and 404 for what is not
   * there also where older releases answer 500 or 400.
   */
  readonly status: number;
  /** True when the same request may well succeed later. */
  readonly mayPass: boolean;

  constructor(message: string, { status, mayPass = false, cause }: HeadscaleFault) {
    super("delegate-failure", message, { cause });
    this.status = status;
    this.mayPass = mayPass;
  }
}
