import { assertEquals } from "@std/assert";
import { fail, type Finding, pass, unknown, worstOf } from "./finding.ts";

Deno.test("worstOf: what fails, else what is unknown, else that all is well; each text once", () => {
  const rows: readonly (readonly [readonly Finding[], Finding])[] = [
    [[], unknown("")],
    [[pass("a"), pass("b")], pass("a; b")],
    [[pass("a"), unknown("b", "c"), pass("d")], unknown("b", "c")],
    [[unknown("a", "b"), fail("c", "d"), pass("e"), fail("f", "d")], fail("c; f", "d")],
    [[unknown("a"), unknown("a")], unknown("a")],
    [[fail("a", ""), fail("b", "c")], fail("a; b", "c")],
  ];
  for (const [findings, expected] of rows) assertEquals(worstOf(findings), expected);
});
