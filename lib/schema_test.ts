import { assertEquals, assertThrows } from "@std/assert";
import * as v from "valibot";
import { ConfigError } from "./errors.ts";
import { parsedBy, parseWith, spelledObject, withoutEmpty } from "./schema.ts";

Deno.test("withoutEmpty: drops null, undefined and empty text at every depth, and nothing else", () => {
  const cases: [unknown, unknown][] = [
    [{ a: null, b: "", c: { d: "", e: [] } }, { c: { e: [] } }],
    [{ ranges: [[{ subnet: "10.1.0.0/24", gateway: null }]] }, {
      ranges: [[{ subnet: "10.1.0.0/24" }]],
    }],
    [{ zero: 0, no: false }, { zero: 0, no: false }],
    [{ a: undefined, b: [{ c: undefined }] }, { b: [{}] }],
    [["", null, "x"], ["", undefined, "x"]],
    [null, undefined],
    ["", ""],
    [undefined, undefined],
  ];
  for (const [value, expected] of cases) assertEquals(withoutEmpty(value), expected);
});

Deno.test("parsedBy: parses what the schema lets through, and names what it cannot parse", () => {
  const even = (value: string | number) => Number(value) % 2 === 0 ? Number(value) : undefined;
  const schema = parsedBy(v.union([v.string(), v.number()]), even, "an even number");
  const parse = (value: unknown) => parseWith(v.object({ n: schema }), { n: value }, "x");
  assertEquals([parse("4"), parse(0)], [{ n: 4 }, { n: 0 }]);
  assertThrows(() => parse("5"), ConfigError, 'Cannot use x: n: an even number wanted, got "5"');
  assertThrows(() => parse(true), ConfigError, "n: (string | number) wanted, got true");
});

Deno.test("spelledObject: a key that is nearly a known one is a fault, others are kept", () => {
  const schema = spelledObject({ exclude: v.optional(v.number()) }, ["excluded"]);
  const parse = (value: unknown) => parseWith(v.object({ a: v.array(schema) }), value, "x");
  const fine = { a: [{ exclude: 1, excluded: 2, other: 3 }] };
  assertEquals(parse(fine), fine);
  assertThrows(
    () => parse({ a: [{}, { exclud: 1, Exclude: 2 }, { exclude: "1" }, 5] }),
    ConfigError,
    'Cannot use x: a.1.exclud: the key "exclude" wanted, got 1; ' +
      'a.1.Exclude: the key "exclude" wanted, got 2; a.2.exclude: number wanted, got "1"; ' +
      "a.3: Object wanted, got 5",
  );
});
