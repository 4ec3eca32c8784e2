import { assert, assertEquals } from "@std/assert";
import { pick, seededRandom } from "../../tests/fakes/seeded_random.ts";
import { isEnvLine, parseEnvLines } from "./env_lines.ts";

Deno.test("parseEnvLines: quotes, comments, blank lines and export", () => {
  const { values, faults } = parseEnvLines([
    "# flannel",
    "",
    " \t",
    "A=1",
    "export B='two words' # why",
    `C="a \\"b\\" \\\\ \\$x"`,
    "  D=10.244.0.0/16,fd00::/48\t# both",
    "E=",
    "F=a#b",
    "G=''",
    "A=2",
  ]);
  assertEquals(faults, []);
  assertEquals(Object.fromEntries(values), {
    A: "2",
    B: "two words",
    C: `a "b" \\ $x`,
    D: "10.244.0.0/16,fd00::/48",
    E: "",
    F: "a#b",
    G: "",
  });
});

Deno.test("parseEnvLines: what a shell would run, or nobody can read, is a fault of its line", () => {
  const faulty: readonly (readonly [line: string, fault: string])[] = [
    ["FLANNEL_NETW", "KEY=value wanted"],
    ["1A=2", "KEY=value wanted"],
    ["A = 1", "KEY=value wanted"],
    ["A='10.244", "the quote ' is not closed"],
    ['A="10.244', 'the quote " is not closed'],
    ['A="10.244\\"', 'the quote " is not closed'],
    ["A='1'2", "nothing wanted behind the closing '"],
    ['A="1"#2', 'nothing wanted behind the closing "'],
    ["A=$(hostname)", "a plain value wanted, got one with $"],
    ["A=`hostname`", "a plain value wanted, got one with `"],
    ["A=${B}", "a plain value wanted, got one with $"],
    ['A="$B"', "a plain value wanted, got one that a shell would expand"],
    ['A="`b`"', "a plain value wanted, got one that a shell would expand"],
    ["A=1'2'", "a plain value wanted, got one with '"],
    ["A=1;B=2", "a plain value wanted, got one with ;"],
    ["A=1 2", "one value wanted; quote a value that has white space"],
  ];
  for (const [line, fault] of faulty) {
    const { values, faults } = parseEnvLines(["B=1", line]);
    assertEquals(faults, [`line 2: ${fault}`], line);
    assertEquals(Object.fromEntries(values), { B: "1" });
  }
});

Deno.test("isEnvLine: an assignment, but no line of YAML", () => {
  for (const line of ["A=1", "export A=", "  A=b: c"]) assertEquals(isEnvLine(line), true, line);
  for (const line of ["a: b=c", "- a=b", "# A=1", "network"]) {
    assertEquals(isEnvLine(line), false, line);
  }
});

Deno.test("parseEnvLines: what it reads is what a shell reads", async () => {
  const { random } = seededRandom();
  const pieces = ["a", "1", "10.0.0.0/8", ",", " ", "\t", "'", '"', "\\", "#", "=", ".", ":", "-"]
    .concat(["\\$", '\\"', " # x", "''", '""', "{", "}", "*", "?", "[", "]", "~", "!", "^", "%"]);
  const lines = Array.from({ length: 20_000 }, () => {
    const value = Array.from({ length: 1 + random(6) }, () => pick(random, pieces));
    return `A=${value.join("")}`;
  });
  const read = lines.flatMap((line) => {
    const { values, faults } = parseEnvLines([line]);
    return faults.length === 0 ? [{ line, value: values.get("A") ?? "" }] : [];
  });
  assert(read.length > 1_000, `only ${read.length} lines were read`);
  const script = read.map(({ line }) => `A=\n${line}\nprintf '%s\\0' "$A"\n`).join("");
  const file = await Deno.makeTempFile({ prefix: "hct" });
  try {
    await Deno.writeTextFile(file, script);
    const { stdout } = await new Deno.Command("/bin/sh", { args: [file], env: { HOME: "/h" } })
      .output();
    const seen = new TextDecoder().decode(stdout).split("\0").slice(0, -1);
    assertEquals(seen.length, read.length);
    for (const [index, { line, value }] of read.entries()) assertEquals(value, seen[index], line);
  } finally {
    await Deno.remove(file);
  }
});
