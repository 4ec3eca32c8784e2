import {
  assert,
  assertEquals,
  assertExists,
  AssertionError,
  assertMatch,
  assertNotEquals,
  assertRejects,
  assertStrictEquals,
  assertStringIncludes,
  assertThrows,
  fail,
} from "@std/assert";

/** The message of the assertion error that `fn` must throw; told without our own assertions. */
function failureOf(fn: () => unknown): string {
  try {
    fn();
  } catch (error) {
    if (error instanceof AssertionError) return error.message;
    throw error;
  }
  throw new Error("no assertion error was thrown");
}

/** {@linkcode failureOf} for a rejected promise. */
async function rejectionOf(promise: Promise<unknown>): Promise<string> {
  const message = await promise.then(() => undefined, (error) => error.message);
  if (typeof message === "string") return message;
  throw new Error("the promise was not rejected");
}

function sameText(actual: string, expected: string): void {
  if (actual !== expected) throw new Error(`got ${JSON.stringify(actual)}, want ${expected}`);
}

Deno.test("assert: a truthy value passes, a falsy one fails with the message", () => {
  assert(1);
  assert("0", "unused");
  sameText(failureOf(() => assert(0)), "");
  sameText(failureOf(() => assert("", "empty")), "empty");
});

Deno.test("assertEquals: the message shows the difference by lines", () => {
  assertEquals({ a: [1, 2n] }, { a: [1, 2n] });
  const message = failureOf(() => assertEquals({ a: 1, b: 2 }, { a: 1, b: 3 }, "numbers"));
  sameText(
    message,
    "Values are not equal: numbers\n\n[Diff] - actual / + expected\n\n" +
      "  {\n    a: 1,\n-   b: 2,\n+   b: 3,\n  }\n",
  );
});

Deno.test("assertEquals: two strings are compared by their own lines", () => {
  const message = failureOf(() => assertEquals("one\ntwo", "one\n2"));
  sameText(
    message,
    "Values are not equal.\n\n[Diff] - actual / + expected\n\n  one\n- two\n+ 2\n",
  );
});

Deno.test("assertNotEquals: equal structures fail", () => {
  assertNotEquals([1], [2]);
  sameText(
    failureOf(() => assertNotEquals(1, 1, "same")),
    "Expected actual: 1 not to be: 1: same",
  );
});

Deno.test("assertStrictEquals: identity decides", () => {
  const value = { a: 1 };
  assertStrictEquals(value, value);
  assertStrictEquals(NaN, NaN);
  assertStringIncludes(
    failureOf(() => assertStrictEquals<unknown>({ a: 1 }, { a: 1 })),
    "same structure",
  );
  assertStringIncludes(failureOf(() => assertStrictEquals<unknown>(1, 2)), "- 1\n+ 2");
  assertStringIncludes(failureOf(() => assertStrictEquals<unknown>(0, -0)), "not strictly equal");
});

Deno.test("assertExists: null and undefined fail, other falsy values pass", () => {
  assertExists(0);
  assertExists("");
  assertExists(false);
  sameText(
    failureOf(() => assertExists(null)),
    'Expected actual: "null" to not be null or undefined.',
  );
  assertStringIncludes(failureOf(() => assertExists(undefined, "why")), ": why");
});

Deno.test("assertMatch: the text must match", () => {
  assertMatch("eth0", /^eth\d$/);
  sameText(
    failureOf(() => assertMatch("lo", /^eth/)),
    'Expected actual: "lo" to match: "/^eth/".',
  );
});

Deno.test("assertStringIncludes: the text must hold the other", () => {
  assertStringIncludes("headcni0", "cni");
  sameText(
    failureOf(() => assertStringIncludes("a", "b")),
    'Expected actual: "a" to contain: "b".',
  );
});

Deno.test("fail: fails with the message", () => {
  sameText(failureOf(() => fail()), "Failed assertion.");
  sameText(failureOf(() => fail("never here")), "Failed assertion: never here");
});

const throwType = () => {
  throw new TypeError("bad type of value");
};

const throwSeven = () => {
  const seven: unknown = 7;
  throw seven;
};

Deno.test("assertThrows: answers the error of the wanted class and text", () => {
  const error: TypeError = assertThrows(throwType, TypeError, "bad type");
  sameText(error.message, "bad type of value");
  assertThrows(throwType, Error);
  assert(assertThrows(throwType) instanceof TypeError);
  assertStrictEquals(
    assertThrows(throwSeven),
    7,
  );
});

Deno.test("assertThrows: no throw, another class, another text and a non-error fail", () => {
  sameText(failureOf(() => assertThrows(() => 1, "quiet")), "Expected function to throw: quiet");
  sameText(
    failureOf(() => assertThrows(throwType, RangeError)),
    'Expected error to be instance of "RangeError", but was "TypeError".',
  );
  sameText(
    failureOf(() => assertThrows(throwType, TypeError, "range", "why")),
    'Expected error message to include "range", but got "bad type of value": why',
  );
  assertStringIncludes(
    failureOf(() => assertThrows(throwSeven, Error)),
    "non-Error",
  );
});

Deno.test("assertRejects: answers the error of the wanted class and text", async () => {
  const reject = () => Promise.reject(new TypeError("bad type of value"));
  const error: TypeError = await assertRejects(reject, TypeError, "bad type");
  sameText(error.message, "bad type of value");
  assertStrictEquals(await assertRejects(() => Promise.reject(7)), 7);
  sameText(
    await rejectionOf(assertRejects(reject, RangeError)),
    'Expected error to be instance of "RangeError", but was "TypeError".',
  );
});

Deno.test("assertRejects: a resolved promise and a synchronous throw fail", async () => {
  sameText(
    await rejectionOf(assertRejects(() => Promise.resolve(1))),
    "Expected function to reject.",
  );
  sameText(
    await rejectionOf(assertRejects(throwType, TypeError)),
    "Function throws when expected to reject.",
  );
});
