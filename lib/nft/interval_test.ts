import { assert, assertEquals } from "@std/assert";
import { parsePrefix } from "../net/prefix.ts";
import {
  coverIntervals,
  formatInterval,
  type Interval,
  intervalOf,
  mergeIntervals,
} from "./interval.ts";

Deno.test("intervalOf: all addresses of the network, host bits or not", () => {
  const cases: [string, bigint, bigint][] = [
    ["10.0.0.5/24", 0x0a000000n, 0x0a0000ffn],
    ["10.0.0.5/32", 0x0a000005n, 0x0a000005n],
    ["0.0.0.0/0", 0n, 0xffffffffn],
    ["ff00::/8", 0xffn << 120n, (1n << 128n) - 1n],
  ];
  for (const [prefix, first, last] of cases) {
    assertEquals(intervalOf(parsePrefix(prefix)), { first, last }, prefix);
  }
});

Deno.test("mergeIntervals: joins what overlaps, keeps neighbours apart, sorts", () => {
  const cases: [string, string[], string[]][] = [
    ["nothing", [], []],
    ["one", ["1-5"], ["1-5"]],
    ["twice the same", ["1-5", "1-5"], ["1-5"]],
    ["inside", ["1-9", "3-4"], ["1-9"]],
    ["inside, the smaller first", ["1-2", "1-9"], ["1-9"]],
    ["overlap", ["4-8", "1-5"], ["1-8"]],
    ["share one address", ["1-5", "5-8"], ["1-8"]],
    ["neighbours", ["6-8", "1-5"], ["1-5", "6-8"]],
    ["a chain", ["1-3", "5-7", "3-5", "9-9"], ["1-7", "9-9"]],
    ["joined by a third", ["1-2", "8-9", "0-9"], ["0-9"]],
  ];
  for (const [name, intervals, merged] of cases) {
    assertEquals(mergeIntervals(read(intervals)), read(merged), name);
  }
});

Deno.test("coverIntervals: changes only what does not cover", () => {
  const cases: [string, string[], string[], { remove: string[]; add: string[] }][] = [
    ["nothing wanted", [], ["1-5"], { remove: [], add: [] }],
    ["present", ["1-5"], ["1-5"], { remove: [], add: [] }],
    ["inside a larger one", ["2-3"], ["1-5"], { remove: [], add: [] }],
    ["new", ["7-9"], ["1-5"], { remove: [], add: ["7-9"] }],
    ["new neighbour", ["6-9"], ["1-5"], { remove: [], add: ["6-9"] }],
    ["larger", ["0-9"], ["1-5"], { remove: ["1-5"], add: ["0-9"] }],
    ["overlap", ["4-9"], ["1-5", "20-21"], { remove: ["1-5"], add: ["1-9"] }],
    ["bridges two", ["4-9"], ["1-5", "8-12"], { remove: ["1-5", "8-12"], add: ["1-12"] }],
  ];
  for (const [name, want, have, { remove, add }] of cases) {
    const expected = { remove: read(remove), add: read(add) };
    assertEquals(coverIntervals(read(want), read(have)), expected, name);
  }
});

Deno.test("coverIntervals: random sets end up covered, disjoint, and stay as they are", () => {
  const seed = crypto.getRandomValues(new Uint32Array(1))[0] ?? 0;
  const random = randomNumbers(seed);
  for (let round = 0; round < 500; round++) {
    const have = mergeIntervals(randomIntervals(random));
    const want = randomIntervals(random);
    const { remove, add } = coverIntervals(want, have);
    const result = [...have.filter((interval) => !remove.includes(interval)), ...add];
    const text = `seed ${seed}, round ${round}`;
    assertEquals(addresses(result), addresses([...have, ...want]), text);
    assertEquals(mergeIntervals(result).length, result.length, text); // they are disjoint
    assertEquals(coverIntervals(want, result), { remove: [], add: [] }, text);
    assert(remove.every((interval) => have.includes(interval)), text);
  }
});

Deno.test("formatInterval: a prefix where it is one, else a range", () => {
  const cases: [4 | 6, bigint, bigint, string][] = [
    [4, 0x0a000000n, 0x0a0000ffn, "10.0.0.0/24"],
    [4, 0x0a000001n, 0x0a000001n, "10.0.0.1/32"],
    [4, 0n, 0xffffffffn, "0.0.0.0/0"],
    [4, 0x0a000001n, 0x0a000100n, "10.0.0.1-10.0.1.0"],
    [4, 0x0a000000n, 0x0a000002n, "10.0.0.0-10.0.0.2"],
    [6, 0xfdn << 120n, (0xfdn << 120n) + 0xffffn, "fd00::/112"],
    [6, 1n, 2n, "::1-::2"],
  ];
  for (const [family, first, last, text] of cases) {
    assertEquals(formatInterval(family, { first, last }), text);
  }
});

/** Intervals written as `first-last`. */
function read(texts: readonly string[]): Interval[] {
  return texts.map((text) => {
    const [first, last] = text.split("-");
    return { first: BigInt(first ?? ""), last: BigInt(last ?? "") };
  });
}

/** All addresses of the intervals, each once, ascending. */
function addresses(intervals: readonly Interval[]): number[] {
  const all = intervals.flatMap(({ first, last }) =>
    Array.from({ length: Number(last - first) + 1 }, (_, i) => Number(first) + i)
  );
  return [...new Set(all)].sort((a, b) => a - b);
}

/** Up to seven intervals of a small space, so that they often meet. */
function randomIntervals(random: (below: number) => number): Interval[] {
  return Array.from({ length: random(8) }, () => {
    const first = random(64);
    return { first: BigInt(first), last: BigInt(first + random(12)) };
  });
}

/** Numbers that a seed repeats: a linear congruential generator, Numerical Recipes 7.1. */
function randomNumbers(seed: number): (below: number) => number {
  let state = seed;
  return (below) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return Math.floor(state / 2 ** 32 * below);
  };
}
