import { assertEquals, assertThrows } from "@std/assert";
import { LogFile } from "./log_file.ts";

const ALL = { tail: Infinity, sinceMs: undefined };

async function withFile(use: (path: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  try {
    await use(`${folder}/plugin.log`);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("LogFile: a line that is being written is no line yet, and then one", async () => {
  await withFile(async (path) => {
    await Deno.writeTextFile(path, "one\nha");
    const log = new LogFile("plugin", path);
    assertEquals(log.read(ALL).map(({ text }) => text), ["one"]);
    await Deno.writeTextFile(path, "lf\nthree\nfo", { append: true });
    const end = new AbortController();
    const texts: string[] = [];
    for await (const { text } of log.follow(end.signal)) {
      texts.push(text);
      if (texts.length === 2) break;
    }
    end.abort();
    assertEquals(texts, ["half", "three"]);
  });
});

Deno.test("LogFile: a line without a time has that of the line before it", async () => {
  await withFile(async (path) => {
    const time = "2026-01-02T03:04:05.678Z";
    await Deno.writeTextFile(path, `{"time":"${time}","message":"x"}\n    at y\n${time} INFO  z\n`);
    const times = new LogFile("daemon", path).read(ALL).map(({ timeMs }) => timeMs);
    assertEquals(times, Array(3).fill(Date.parse(time)));
  });
});

Deno.test("LogFile: one that is not there is told with what names another", async () => {
  await withFile((path) => {
    assertThrows(() => new LogFile("plugin", path).read(ALL), Error, "$HEADCNI_LOG_FILE names");
    assertThrows(() => new LogFile("daemon", path).read(ALL), Error, "logging.file.path of the");
    return Promise.resolve();
  });
});
