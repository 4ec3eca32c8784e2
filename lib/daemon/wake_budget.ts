/** How often a loop may be woken: what is undone again and again is not redone at any price. */

/** So many wake-ups at once are answered at once: a node that comes up, or settings that change. */
const BURST = 30;
/** Those that come without end are answered so often, in milliseconds. */
const SPACING_MS = 5_000;

/**
 * Lets a burst through, and spaces out what comes behind it; what is quiet meanwhile makes room for the
 * next burst. It is the virtual scheduling algorithm of ITU-T I.371.
 */
export class WakeBudget {
  /** When all that was taken would be paid for, if one is paid for each spacing. */
  #paidAtMs = -Infinity;

  /**
   * Takes one.
   * @param nowMs by a clock that nobody sets, in milliseconds.
   * @returns for how long to wait with it, in milliseconds.
   */
  take(nowMs: number): number {
    this.#paidAtMs = Math.max(this.#paidAtMs, nowMs) + SPACING_MS;
    return Math.max(0, this.#paidAtMs - nowMs - BURST * SPACING_MS);
  }
}
