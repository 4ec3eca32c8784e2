import { pause } from "../../../lib/pause.ts";

const ASK_AGAIN_MS = 200;

/** Longest time that the other programs of these tests take for anything, in milliseconds. */
const PATIENCE_MS = 90_000;

/**
 * Asks until there is an answer, and answers it; undefined, false and an error are none. For what
 * programs of others do without telling anybody.
 * @throws Error with the last error, when it takes too long.
 */
export async function until<T>(
  what: string,
  ask: () => Promise<T | undefined | false>,
  patienceMs = PATIENCE_MS,
): Promise<T> {
  const deadlineMs = Date.now() + patienceMs;
  let last: unknown = "no answer";
  while (Date.now() < deadlineMs) {
    try {
      const answer = await ask();
      if (answer !== undefined && answer !== false) return answer;
    } catch (error) {
      last = error;
    }
    await pause(ASK_AGAIN_MS);
  }
  throw new Error(`Cannot see ${what}: ${Deno.inspect(last)}`);
}
