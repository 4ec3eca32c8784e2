import { assertEquals } from "@std/assert";
import { withoutEmpty } from "./schema.ts";

Deno.test("withoutEmpty: drops null and empty text at every depth, and nothing else", () => {
  const cases: [unknown, unknown][] = [
    [{ a: null, b: "", c: { d: "", e: [] } }, { c: { e: [] } }],
    [{ ranges: [[{ subnet: "10.1.0.0/24", gateway: null }]] }, {
      ranges: [[{ subnet: "10.1.0.0/24" }]],
    }],
    [{ zero: 0, no: false }, { zero: 0, no: false }],
    [["", null, "x"], ["", undefined, "x"]],
    [null, undefined],
    ["", ""],
    [undefined, undefined],
  ];
  for (const [value, expected] of cases) assertEquals(withoutEmpty(value), expected);
});
