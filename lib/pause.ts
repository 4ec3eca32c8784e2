/**
 * Waits. `setTimeout` would cost the start of a plugin call 7 ms, for Deno loads its timers late; a
 * signal costs nothing.
 */
export function pause(milliseconds: number): Promise<void> {
  return new Promise((resolve) => {
    AbortSignal.timeout(milliseconds).addEventListener("abort", () => resolve(), { once: true });
  });
}
