import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { main } from "./main.ts";

/** What a subcommand printed and returned. */
interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a subcommand on a folder without any store. */
async function run(...args: string[]): Promise<Outcome> {
  const printed = { log: "", error: "" };
  const { log, error } = console;
  console.log = (text) => printed.log += text;
  console.error = (text) => printed.error += text;
  try {
    const env = { HEADCNI_RUN_DIR: "/nonexistent/run", HEADCNI_DATA_DIR: "/nonexistent/store" };
    const code = await main(args, env);
    return { code, stdout: printed.log, stderr: printed.error };
  } finally {
    Object.assign(console, { log, error });
  }
}

for (const args of [[], ["help"], ["--help"], ["-h"]]) {
  Deno.test(`main: "${args.join(" ")}" prints the usage`, async () => {
    const { code, stdout } = await run(...args);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "Usage: headcni SUBCOMMAND");
  });
}

for (const arg of ["version", "--version", "-V"]) {
  Deno.test(`main: "${arg}" prints the release`, async () => {
    const { code, stdout } = await run(arg);
    assertEquals(code, 0);
    assertMatch(stdout, /^headcni \d+\.\d+\.\d+$/);
  });
}

Deno.test("main: status without a store is no failure", async () => {
  const { code, stdout } = await run("status", "-o", "json");
  assertEquals(code, 0);
  assertEquals(JSON.parse(stdout).stores, [
    { directory: "/nonexistent/store", exists: false, attachments: [] },
  ]);
});

Deno.test("main: status of a store that was asked for and is not there fails", async () => {
  for (const output of ["json", "table"]) {
    const outcome = await run("status", "--store", "/nonexistent/other", "--output", output);
    assertEquals(outcome, {
      code: 1,
      stdout: "",
      stderr: 'headcni: Cannot show the store "/nonexistent/other": there is none',
    });
  }
});

Deno.test("main: the options of status are told", async () => {
  const { code, stdout } = await run("status", "--help");
  assertEquals(code, 0);
  assertStringIncludes(stdout, "--output table|json");
});

const mistakes: readonly [args: string, text: string][] = [
  ["statsu", 'headcni: Cannot run "statsu": no such subcommand; did you mean "status"?'],
  ["uninstall", '"headcni help" tells which there are'],
  ["status --outptu json", 'did you mean "--output"?'],
  ["status --output yaml", 'Cannot use --output "yaml": json or table wanted'],
  ["status --output toString", 'Cannot use --output "toString": json or table wanted'],
  ["status --store relative", 'Cannot use --store "relative": an absolute path wanted'],
  ["status --store", 'Cannot use option "--store": it needs a value'],
];

for (const [args, text] of mistakes) {
  Deno.test(`main: "${args}" is a mistake of the caller`, async () => {
    const { code, stdout, stderr } = await run(...args.split(" "));
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, text);
  });
}
