import { assertEquals } from "@std/assert";
import { parseArgs, type ParseOptions } from "@std/cli";

const rows: readonly [name: string, args: string, options: ParseOptions, expected: unknown][] = [
  ["no arguments", "", {}, { _: [] }],
  ["undeclared options", "--flag --count 5 beep", {}, { _: ["beep"], flag: true, count: 5 }],
  ["an equals sign", "--name=a=b", {}, { _: [], name: "a=b" }],
  ["letters", "-abc", {}, { _: [], a: true, b: true, c: true }],
  ["a letter with a number", "-n5", {}, { _: [], n: 5 }],
  ["a letter with a value", "-n five", {}, { _: [], n: "five" }],
  ["a letter with an equals sign", "-n=five", {}, { _: [], n: "five" }],
  ["text in a letter", "-otable", { string: ["o"] }, { _: [], o: "table" }],
  ["numbers among the arguments", "1 0x10 -2.5 x1", {}, { _: [1, 16, -2.5, "x1"] }],
  ["numbers kept as text", "007", { string: ["_"] }, { _: ["007"] }],
  ["text that looks like a number", "--id 007", { string: ["id"] }, { _: [], id: "007" }],
  ["text without a value", "--id --x", { string: ["id"] }, { _: [], id: "", x: true }],
  ["a dash is an argument", "-", {}, { _: ["-"] }],
  ["a boolean takes no value", "--all pods", { boolean: ["all"] }, { _: ["pods"], all: true }],
  ["a boolean is false when absent", "", { boolean: ["all"] }, { _: [], all: false }],
  ["a boolean told false", "--all=false", { boolean: ["all"] }, { _: [], all: false }],
  ["a boolean told false after it", "--all false", { boolean: ["all"] }, { _: [], all: false }],
  ["the last of two wins", "--n a --n b", {}, { _: [], n: "b" }],
  ["defaults", "--a x", { default: { a: "1", b: "2" } }, { _: [], a: "x", b: "2" }],
  [
    "aliases",
    "-o json",
    { string: ["output"], alias: { output: "o" } },
    { _: [], o: "json", output: "json" },
  ],
  [
    "aliases of a boolean",
    "-h x",
    { boolean: ["help"], alias: { h: ["help", "?"] } },
    { _: ["x"], h: true, help: true, "?": true },
  ],
  ["two dashes end the options", "--a 1 -- --b 2", {}, { _: ["--b", 2], a: 1 }],
];

for (const [name, args, options, expected] of rows) {
  Deno.test(`parseArgs: ${name}`, () => {
    assertEquals<unknown>(parseArgs(args === "" ? [] : args.split(" "), options), expected);
  });
}

Deno.test("parseArgs: undeclared options and arguments are shown to unknown", () => {
  const seen: unknown[] = [];
  const parsed = parseArgs(["--known", "-x=1", "--other", "arg", "7"], {
    boolean: ["known"],
    unknown: (...call) => {
      seen.push(call);
      return call.length === 1;
    },
  });
  assertEquals(seen, [["-x=1", "x", 1], ["--other", "other", "arg"], ["7"]]);
  assertEquals(parsed, { known: true, _: [7] });
});

Deno.test("parseArgs: types follow the declared options", () => {
  const parsed = parseArgs(["--output=json", "1"], {
    boolean: ["help"],
    string: ["output", "store", "_"],
    default: { output: "table" },
  });
  const output: string = parsed.output;
  const store: string | undefined = parsed.store;
  const help: boolean = parsed.help;
  const rest: string[] = parsed._;
  assertEquals([output, store, help, rest], ["json", undefined, false, ["1"]]);
});
