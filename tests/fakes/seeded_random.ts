/** Randomness that a failed test can repeat. */
export interface SeededRandom {
  readonly seed: number;
  /** A whole number from 0 to below `bound`. */
  random(bound: number): number;
}

/** A generator whose seed is printed, and given again by `HEADCNI_TEST_SEED`. */
export function seededRandom(): SeededRandom {
  const seed = Number(Deno.env.get("HEADCNI_TEST_SEED") ?? Date.now() % 1_000_000);
  console.log(`seed ${seed}: repeat with HEADCNI_TEST_SEED=${seed}`);
  let state = seed;
  return {
    seed,
    random(bound: number): number {
      // A linear congruential generator: Numerical Recipes, section 7.1.
      state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
      return Math.floor(state / 2 ** 32 * bound);
    },
  };
}

/** One of some values. */
export function pick<T>(random: SeededRandom["random"], values: readonly T[]): T {
  const value = values[random(values.length)];
  if (value === undefined) throw new RangeError("Cannot pick from nothing");
  return value;
}
