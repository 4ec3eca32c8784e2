import { assertEquals, assertMatch } from "@std/assert";
import { fromFileUrl, join } from "@std/path";

const LOG_MODULE = new URL("./log.ts", import.meta.url).href;

/** What a process printed, a JSON object a line. */
interface Outcome {
  readonly stderr: Record<string, unknown>[];
  readonly stdout: string;
}

/** Runs lines of code that use the log in a process of their own, for the log belongs to one. */
async function runLog(code: string): Promise<Outcome> {
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: [
      "eval",
      "--ext=ts",
      `--config=${fromFileUrl(new URL("../deno.json", import.meta.url))}`,
      `import { configureLog, log } from ${JSON.stringify(LOG_MODULE)};${code}`,
    ],
    env: { NO_COLOR: "1" },
  }).output();
  return { stdout: new TextDecoder().decode(stdout), stderr: parseLines(stderr) };
}

function parseLines(bytes: Uint8Array): Record<string, unknown>[] {
  return new TextDecoder().decode(bytes).split("\n").filter(Boolean).map((line) =>
    JSON.parse(line)
  );
}

async function withTempDir(body: (dir: string) => Promise<void>): Promise<void> {
  const dir = await Deno.makeTempDir();
  try {
    await body(dir);
  } finally {
    await Deno.remove(dir, { recursive: true });
  }
}

const LEVELS = `log.debug("d"); log.info("i"); log.warn("w"); log.error("e");`;

Deno.test("log: without set-up warnings and errors go to stderr, nothing to stdout", async () => {
  const { stderr, stdout } = await runLog(LEVELS);
  assertEquals(stderr.map(({ level, message }) => [level, message]), [
    ["warn", "w"],
    ["error", "e"],
  ]);
  assertEquals(stdout, "");
});

Deno.test("log: a line has time, level, process and redacted fields that replace none", async () => {
  const { stderr } = await runLog(
    `log.warn("key tskey-1", { pod: "a", level: "x", token: "t", size: 1n });`,
  );
  const [line = {}] = stderr;
  assertEquals(Object.keys(line), ["time", "level", "pid", "message", "pod", "token", "size"]);
  assertMatch(String(line["time"]), /^\d{4}-\d\d-\d\dT[\d:.]+Z$/);
  assertEquals([line["level"], line["message"], line["token"], line["size"]], [
    "warn",
    "key tskey-[redacted]",
    "[redacted]",
    "1",
  ]);
});

Deno.test("configureLog: both levels count, and the file is private", () =>
  withTempDir(async (dir) => {
    const file = join(dir, "new", "plugin.log");
    const { stderr } = await runLog(
      `configureLog({ level: "info", outputLevel: "error", file: ${JSON.stringify(file)} });` +
        LEVELS,
    );
    assertEquals(stderr.map(({ message }) => message), ["e"]);
    const lines = parseLines(await Deno.readFile(file));
    assertEquals(lines.map(({ message }) => message), ["i", "w", "e"]);
    const modes = await Promise.all([file, join(dir, "new")].map((path) => Deno.stat(path)));
    assertEquals(modes.map(({ mode }) => (mode ?? 0) & 0o777), [0o600, 0o700]);
  }));

for (const kind of ["directory", "fifo"]) {
  Deno.test(`configureLog: a ${kind} as log file is told once and fails nobody`, () =>
    withTempDir(async (dir) => {
      const file = join(dir, kind);
      const command = kind === "fifo" ? "mkfifo" : "mkdir";
      await new Deno.Command(command, { args: [file] }).output();
      const { stderr, stdout } = await runLog(
        `configureLog({ level: "info", file: ${JSON.stringify(file)} });` +
          `log.info("i"); log.info("j"); console.log("alive");`,
      );
      assertEquals(
        stderr.map(({ message }) => message),
        [`Cannot write log file "${file}": it is no regular file`],
      );
      assertEquals(stdout, "alive\n");
    }));
}

Deno.test("configureLog: text is one line for people, on the stream that was asked for", async () => {
  const { stderr, stdout } = await runLog(
    `configureLog({ level: "info", outputLevel: "info", output: "stdout", format: "text" });` +
      `log.info("Cannot\\nbreak", { pod: "a/b", token: "t", why: "two words", size: 1n });` +
      `configureLog({ level: "info", output: "none" }); log.error("unheard");`,
  );
  assertEquals(stderr, []);
  assertMatch(
    stdout,
    /^\d{4}-\S+Z INFO {2}Cannot\\nbreak pod=a\/b token="\[redacted\]" why="two words" size=1\n$/,
  );
});

Deno.test("log: processes that write one file at once do not mix lines", () =>
  withTempDir(async (dir) => {
    const file = join(dir, "plugin.log");
    await Promise.all(["a", "b", "c"].map((name) =>
      runLog(
        `configureLog({ level: "info", file: ${JSON.stringify(file)} });` +
          `for (let n = 0; n < 50; n++) log.info("${name}".repeat(3000), { n });`,
      )
    ));
    assertEquals(parseLines(await Deno.readFile(file)).length, 150);
  }));
