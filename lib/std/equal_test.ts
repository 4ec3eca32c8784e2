import { assertEquals, assertThrows } from "@std/assert";
import { equal } from "./equal.ts";

class Point {
  constructor(readonly x: number) {}
}

const cyclic = (): Record<string, unknown> => {
  const value: Record<string, unknown> = { name: "loop" };
  value["self"] = value;
  return value;
};

/** Differs from its like in the middle only, through objects that are shared. */
const shared = (last: number): unknown => {
  const [one, two] = [{ x: 1 }, { x: last }];
  return new Set([{ p: one }, { p: two }, { p: two, q: one }]);
};

const key = Symbol("key");

const rows: readonly [name: string, a: unknown, b: unknown, expected: boolean][] = [
  ["numbers", 1, 1, true],
  ["other numbers", 1, 2, false],
  ["NaN", NaN, NaN, true],
  ["zero and minus zero", 0, -0, false],
  ["bigint and number", 1n, 1, false],
  ["null and undefined", null, undefined, false],
  ["null and object", null, {}, false],
  ["keys in another order", { a: 1, b: 2 }, { b: 2, a: 1 }, true],
  ["an undefined key and no key", { a: undefined }, {}, false],
  ["undefined under other keys", { a: undefined }, { b: undefined }, false],
  ["symbol keys", { [key]: 1 }, { [key]: 2 }, false],
  ["no prototype", Object.assign(Object.create(null), { a: 1 }), { a: 1 }, true],
  ["arrays", [1, [2]], [1, [2]], true],
  ["arrays of other length", [1], [1, 2], false],
  ["a hole and nothing", new Array(1), [], false],
  ["array and object", [], {}, false],
  ["instances", new Point(1), new Point(1), true],
  ["instance and plain object", new Point(1), { x: 1 }, false],
  ["bytes", Uint8Array.of(1, 2), Uint8Array.of(1, 2), true],
  ["other bytes", Uint8Array.of(1, 2), Uint8Array.of(1, 3), false],
  ["bytes of another width", Uint8Array.of(1), Uint16Array.of(1), false],
  ["buffers", Uint8Array.of(1).buffer, Uint8Array.of(2).buffer, false],
  ["dates", new Date(5), new Date(5), true],
  ["other dates", new Date(5), new Date(6), false],
  ["invalid dates", new Date(NaN), new Date(NaN), true],
  ["expressions", /a/g, /a/g, true],
  ["expressions of other flags", /a/g, /a/i, false],
  ["addresses", new URL("http://a/b"), new URL("http://a/b"), true],
  ["other addresses", new URL("http://a/b"), new URL("http://a/c"), false],
  ["sets in another order", new Set([1, 2]), new Set([2, 1]), true],
  ["sets by structure", new Set([{ a: 1 }]), new Set([{ a: 1 }]), true],
  [
    "sets that pair one to one",
    new Set([{ a: 1 }, { a: 1 }]),
    new Set([{ a: 1 }, { a: 2 }]),
    false,
  ],
  ["sets of other size", new Set([1]), new Set([1, 2]), false],
  ["maps in another order", new Map([[1, 2], [3, 4]]), new Map([[3, 4], [1, 2]]), true],
  ["maps by structure of keys", new Map([[{ a: 1 }, 2]]), new Map([[{ a: 1 }, 2]]), true],
  ["maps of other values", new Map([[1, 2]]), new Map([[1, 3]]), false],
  ["map and set", new Map(), new Set(), false],
  ["errors", new Error("a"), new Error("a"), true],
  ["errors of other text", new Error("a"), new Error("b"), false],
  ["errors of other cause", new Error("a", { cause: 1 }), new Error("a"), false],
  ["errors of other class", new TypeError("a"), new Error("a"), false],
  ["weak references", new WeakRef(rowTarget()), new WeakRef(rowTarget()), true],
  ["cycles", cyclic(), cyclic(), true],
  ["cycles that differ", cyclic(), { ...cyclic(), name: "other" }, false],
  ["shared members", shared(2), shared(2), true],
  ["shared members that differ", shared(2), shared(3), false],
  ["functions", equal, equal, true],
  ["other functions", () => 1, () => 1, false],
];

function rowTarget(): object {
  return { a: 1 };
}

for (const [name, a, b, expected] of rows) {
  Deno.test(`equal: ${name}`, () => {
    assertEquals(equal(a, b), expected);
    assertEquals(equal(b, a), expected);
  });
}

Deno.test("equal: weak collections are refused", () => {
  assertThrows(() => equal(new WeakMap(), new WeakMap()), TypeError, "weak");
});
