/** Work of the daemon that is repeated: by interval, and as soon as somebody wakes it. */
import { errorText } from "../errors.ts";
import { log } from "../log.ts";
import { wait } from "./wait.ts";
import { WakeBudget } from "./wake_budget.ts";

/** What is to be repeated. */
export interface LoopOptions {
  /** As health reports and metrics name it. */
  readonly name: string;
  /** Longest time between two turns, in milliseconds; asked for at each turn. */
  intervalMs(): number;
  /** How long a wake-up waits for others that come with it, in milliseconds; 0 by default. */
  readonly settleMs?: number;
  /** Another clock than the machine's, for tests. */
  readonly clock?: Clock;
  /** One turn; what it throws is logged once and told by {@linkcode Loop.status}, and the next one comes. */
  turn(signal: AbortSignal): Promise<void>;
}

/** What time is to a loop. */
export interface Clock {
  /** Milliseconds since any moment; nobody sets them. */
  nowMs(): number;
  /** Ends after that many milliseconds, or when the signal is aborted. */
  wait(milliseconds: number, signal: AbortSignal): Promise<void>;
}

const CLOCK: Clock = { nowMs: () => performance.now(), wait };

/**
 * Longest that a wake-up waits for failures, in milliseconds. A turn that fails may wake its own loop by what it
 * tried, so each one in a row doubles the time.
 */
const MAX_SETTLE_MS = 5_000;

/** How a loop does. */
export interface LoopStatus {
  readonly name: string;
  readonly intervalMs: number;
  /** Wall clock in milliseconds since 1970. */
  readonly startedMs: number;
  /** When the last turn ended, well or not; undefined before the first has. */
  readonly turnedMs: number | undefined;
  /** When the turn that is going on began. */
  readonly turningSinceMs: number | undefined;
  /** The last sign of life, by a clock that nobody sets: of `performance.now`. */
  readonly aliveMs: number;
  /** How long the last turn took, in milliseconds. */
  readonly tookMs: number | undefined;
  /** What the last turn failed with. */
  readonly error: string | undefined;
  /** Turns so far, and how many of them failed. */
  readonly turns: number;
  readonly failures: number;
}

/** A loop that runs until its signal is aborted. */
export class Loop {
  readonly #options: LoopOptions;
  #wakeUp: () => void = () => {};
  readonly #budget = new WakeBudget();
  #isWoken = false;
  #failuresInARow = 0;
  #status: LoopStatus;

  constructor(options: LoopOptions) {
    this.#options = options;
    const { name, intervalMs } = options;
    this.#status = {
      name,
      intervalMs: intervalMs(),
      startedMs: Date.now(),
      turnedMs: undefined,
      turningSinceMs: undefined,
      aliveMs: performance.now(),
      tookMs: undefined,
      error: undefined,
      turns: 0,
      failures: 0,
    };
  }

  get status(): LoopStatus {
    return this.#status;
  }

  /** Has the next turn come now; one that is going on is followed by another. */
  wake(): void {
    this.#isWoken = true;
    this.#wakeUp();
  }

  /** Turns until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    signal.addEventListener("abort", () => this.#wakeUp(), { once: true });
    while (!signal.aborted) {
      this.#isWoken = false;
      await this.#turn(signal);
      await this.#wait(this.#status.intervalMs, signal);
      if (this.#isWoken) await this.#settle(signal);
    }
  }

  async #turn(signal: AbortSignal): Promise<void> {
    const { name } = this.#options;
    this.#status = {
      ...this.#status,
      intervalMs: this.#options.intervalMs(),
      turningSinceMs: Date.now(),
      aliveMs: performance.now(),
    };
    const begin = performance.now(); // the wall clock may be set meanwhile
    let error: string | undefined;
    try {
      await this.#options.turn(signal);
    } catch (cause) {
      error = errorText(cause);
      const level = error === this.#status.error ? "debug" : "warn";
      if (!signal.aborted) log[level](`Cannot finish a turn of loop "${name}"`, { error: cause });
    }
    const { turns, failures } = this.#status;
    this.#failuresInARow = error === undefined ? 0 : this.#failuresInARow + 1;
    log.debug("Turned", { loop: name, turns: turns + 1 });
    this.#status = {
      ...this.#status,
      turnedMs: Date.now(),
      turningSinceMs: undefined,
      aliveMs: performance.now(),
      tookMs: performance.now() - begin,
      error,
      turns: turns + 1,
      failures: failures + (error === undefined ? 0 : 1),
    };
  }

  async #settle(signal: AbortSignal): Promise<void> {
    const { settleMs = 0, clock = CLOCK } = this.#options;
    const afterFailuresMs = Math.min(settleMs * 2 ** this.#failuresInARow, MAX_SETTLE_MS);
    const spacingMs = this.#budget.take(clock.nowMs());
    await clock.wait(Math.max(settleMs, afterFailuresMs, spacingMs), signal);
  }

  /** Until the time is over, or somebody wakes. */
  async #wait(milliseconds: number, signal: AbortSignal): Promise<void> {
    if (this.#isWoken || signal.aborted) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, milliseconds);
    this.#wakeUp = resolve;
    await promise;
    clearTimeout(timer);
    this.#wakeUp = () => {};
  }
}
