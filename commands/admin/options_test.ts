import { assertEquals, assertThrows } from "@std/assert";
import { ConfigError } from "../../lib/errors.ts";
import { parseOptions } from "./options.ts";

const parse = (...args: string[]) =>
  parseOptions(args, { boolean: ["help"], string: ["output"], alias: { output: "o" } });

Deno.test("parseOptions: known options, by either name", () => {
  assertEquals(parse("--help", "-o", "json").output, "json");
  assertEquals(parse("--help").help, true);
});

const refusals: readonly [arg: string, text: string][] = [
  ["--outptu=json", 'Cannot use option "--outptu=json": not known; did you mean "--output"?'],
  ["-x", 'Cannot use option "-x": not known; --help tells the options'],
  ["--output", 'Cannot use option "--output": it needs a value'],
  ["--output=", 'Cannot use option "--output": it needs a value'],
  ["-o", 'Cannot use option "--output": it needs a value'],
  ["pods", 'Cannot use argument "pods": only options are taken'],
];

for (const [arg, text] of refusals) {
  Deno.test(`parseOptions: ${arg} is refused`, () => {
    assertEquals(assertThrows(() => parse(arg), ConfigError).message, text);
  });
}
