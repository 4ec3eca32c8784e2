import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runAdmin } from "../../tests/fakes/run_admin.ts";
import type { ProgramOutcome } from "../../tests/cli/program.ts";

/** Runs a subcommand on a folder without any store. */
function run(...args: string[]): Promise<ProgramOutcome> {
  const env = { HEADCNI_RUN_DIR: "/nonexistent/run", HEADCNI_DATA_DIR: "/nonexistent/store" };
  return runAdmin(args, env);
}

for (const args of [[], ["help"], ["--help"], ["-h"]]) {
  Deno.test(`main: "${args.join(" ")}" prints the usage`, async () => {
    const { code, stdout } = await run(...args);
    assertEquals(code, 0);
    assertStringIncludes(stdout, "Usage: headcni SUBCOMMAND [OPTIONS]");
  });
}

for (const arg of ["version", "--version", "-V"]) {
  Deno.test(`main: "${arg}" prints the release`, async () => {
    const { code, stdout } = await run(arg);
    assertEquals(code, 0);
    assertMatch(stdout, /^headcni \d+\.\d+\.\d+\n$/);
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
      stderr: 'headcni: Cannot show the store "/nonexistent/other": there is none\n',
    });
  }
});

Deno.test("main: status fails where it cannot see all, and tells what it sees", async () => {
  const env = { HEADCNI_RUN_DIR: "/nonexistent/run", HEADCNI_CONFIG: "/nonexistent/file" };
  const { code, stdout, stderr } = await runAdmin(["status", "-o", "json"], env);
  const { unseen, daemon } = JSON.parse(stdout);
  assertEquals([code, daemon.state, unseen.length], [1, "stopped", 1]);
  assertStringIncludes(stderr, "headcni: Cannot see all of this node: ");
});

Deno.test("main: the options of status are told", async () => {
  const { code, stdout } = await run("status", "--help");
  assertEquals(code, 0);
  assertStringIncludes(stdout, "--output <format>");
});

const mistakes: readonly [args: string, text: string][] = [
  ["statsu", "unknown command 'statsu'; did you mean one of stats, status?"],
  ["docktor", "unknown command 'docktor'; did you mean doctor?"],
  ["statuss", "unknown command 'statuss'; did you mean status?"],
  ["frobnicate", "unknown command 'frobnicate'"],
  ["status --outptu json", "unknown option '--outptu'; did you mean --output?"],
  [
    "status --output xml",
    "option '-o, --output <format>' argument 'xml' is invalid. Allowed choices are table, json, yaml.",
  ],
  [
    "status --store relative",
    "option '--store <dir>' argument 'relative' is invalid. An absolute path is wanted.",
  ],
  ["status --store", "option '--store <dir>' argument missing"],
  ["status pods", "too many arguments for 'status'. Expected 0 arguments but got 1: pods."],
];

for (const [args, text] of mistakes) {
  Deno.test(`main: "${args}" is a mistake of the caller`, async () => {
    const { code, stdout, stderr } = await run(...args.split(" "));
    assertEquals([code, stdout], [2, ""]);
    assertEquals(stderr, `headcni: ${text}\n--help tells how it is used\n`);
  });
}
