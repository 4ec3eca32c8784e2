import type { Lease } from "../../lib/store/leases.ts";
import type { Recollection, StoreMender } from "../../lib/store/mend.ts";

/** A mender whose answers a test sets, and that tells what it was asked. */
export class FakeMender implements StoreMender {
  /** What examinations find wrong. */
  seen: string | undefined;
  /** What witnesses tell; an error for those that cannot be asked. */
  leases: readonly Lease[] | Error = [];
  /** Names of what was called, in order; taken away by who reads them. */
  #calls: string[] = [];

  examine(_file: string): Promise<string | undefined> {
    this.#calls.push("examine");
    return Promise.resolve(this.seen);
  }

  recall(_damaged: string | undefined): Promise<Recollection> {
    this.#calls.push("recall");
    const { leases } = this;
    return leases instanceof Error ? Promise.reject(leases) : Promise.resolve({ leases });
  }

  /** What was called since this was asked last. */
  takeCalls(): string[] {
    return this.#calls.splice(0);
  }
}
