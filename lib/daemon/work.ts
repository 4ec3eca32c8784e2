import { errorText } from "../errors.ts";

/** What came of it, one text each. */
export interface WorkOutcome {
  readonly done: readonly string[];
  readonly kept: readonly string[];
  readonly failures: readonly string[];
}

/** Collects what is done by several acts, of which a failure keeps no other from being done. */
export class Work {
  readonly #done: string[] = [];
  readonly #kept: string[] = [];
  readonly #failures: string[] = [];

  get outcome(): WorkOutcome {
    return { done: this.#done, kept: this.#kept, failures: this.#failures };
  }

  keep(texts: readonly string[]): void {
    this.#kept.push(...texts);
  }

  fail(texts: readonly string[]): void {
    this.#failures.push(...texts);
  }

  /** Runs what answers what it did. */
  async attempt(act: () => readonly string[] | Promise<readonly string[]>): Promise<void> {
    try {
      this.#done.push(...await act());
    } catch (error) {
      this.#failures.push(errorText(error));
    }
  }
}
