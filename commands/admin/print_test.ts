import { assertEquals } from "@std/assert";
import { parse } from "yaml";
import { printed } from "../../tests/fakes/printed.ts";
import { OUTPUT_FORMATS, print } from "./print.ts";
import { formatYaml } from "./yaml.ts";

const VALUE = {
  none: null,
  absent: undefined,
  text: "no",
  time: "1:30",
  colon: "a: b",
  long: `${"word ".repeat(40)}end`,
  lines: "a\nb\n",
  nested: { list: [1, "2", true], empty: [] },
};

Deno.test("formatYaml: reads back as the value that JSON has, whatever the version of YAML", () => {
  const text = formatYaml(VALUE);
  for (const version of ["1.1", "1.2"] as const) {
    assertEquals(parse(text, { version }), JSON.parse(JSON.stringify(VALUE)), version);
  }
});

Deno.test("formatYaml: what is there twice is written twice", () => {
  const twice = { a: 1 };
  assertEquals(formatYaml({ one: twice, other: twice }), "one:\n  a: 1\nother:\n  a: 1");
});

Deno.test("print: each form on its own, with a line's end", async () => {
  const outputs: Record<string, string> = {};
  for (const output of OUTPUT_FORMATS) {
    const { stdout } = await printed(() =>
      print(output, { a: ["x"] }, (screen) => screen.fail("for people"))
    );
    outputs[output] = stdout;
  }
  assertEquals(outputs, {
    table: "for people\n",
    json: '{\n  "a": [\n    "x"\n  ]\n}\n',
    yaml: "a:\n  - x\n",
  });
});
