import { assertEquals, assertThrows } from "@std/assert";
import { appendLine } from "../../../lib/log_file.ts";
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

Deno.test("LogFile: what was put aside is read before, as far back as is asked for", async () => {
  await withFile(async (path) => {
    const line = (day: number) => `2026-01-0${day}T00:00:00.000Z INFO  ${day}\n`;
    await Deno.writeTextFile(`${path}.2`, line(1) + line(2));
    await Deno.writeTextFile(`${path}.1`, line(3) + line(4));
    await Deno.writeTextFile(path, line(5));
    const days = (tail: number, since?: number) => {
      const sinceMs = since === undefined ? undefined : Date.UTC(2026, 0, since);
      return new LogFile("plugin", path).read({ tail, sinceMs }).map(({ text }) => text.at(-1));
    };
    assertEquals(days(Infinity).join(""), "12345");
    assertEquals(days(4).join(""), "2345");
    assertEquals(days(2).join(""), "45");
    assertEquals(days(Infinity, 2).join(""), "2345");
    assertEquals(days(Infinity, 5).join(""), "5");
    // Another writer is about to begin the next file.
    await Deno.remove(path);
    assertEquals(days(1).join(""), "4");
  });
});

/** Follows a log that was read to its end while others write, up to the last line. */
async function followed(path: string, last: string, write: () => void): Promise<string[]> {
  const log = new LogFile("plugin", path);
  log.read(ALL);
  const end = new AbortController();
  const texts: string[] = [];
  write();
  // A line that does not come ends it, too.
  const signal = AbortSignal.any([end.signal, AbortSignal.timeout(10_000)]);
  for await (const { text } of log.follow(signal)) {
    texts.push(text);
    if (text === last) break;
  }
  end.abort();
  return texts;
}

Deno.test("LogFile: nothing is lost of a file that is put aside while it is followed", async () => {
  await withFile(async (path) => {
    const append = (line: string) => appendLine(path, line, { maxBytes: 8, maxBackups: 3 });
    append("one");
    const lines = ["two", "three", "four", "five", "six"];
    assertEquals(await followed(path, "six", () => lines.forEach(append)), lines);
  });
});

Deno.test("LogFile: nor what is written late to a file that was put aside", async () => {
  await withFile(async (path) => {
    await Deno.writeTextFile(path, "one\n");
    using late = await Deno.open(path, { append: true });
    const log = new LogFile("plugin", path);
    log.read(ALL);
    await Deno.rename(path, `${path}.1`);
    await Deno.writeTextFile(path, "two\n");
    const end = new AbortController();
    const signal = AbortSignal.any([end.signal, AbortSignal.timeout(10_000)]);
    const texts: string[] = [];
    for await (const { text } of log.follow(signal)) {
      texts.push(text);
      if (text === "two") await late.write(new TextEncoder().encode("late\n"));
      if (text === "late") break;
    }
    end.abort();
    assertEquals(texts, ["two", "late"]);
  });
});

for (const tail of [1, 2]) {
  Deno.test(`LogFile: of ${tail} that was read the newest is replaced, and no older one read again`, async () => {
    await withFile(async (path) => {
      const append = (line: string) => appendLine(path, line, { maxBytes: 4, maxBackups: 9 });
      ["one", "two", "three"].forEach(append);
      await Deno.writeTextFile(path, "four\n");
      const log = new LogFile("plugin", path);
      log.read({ tail, sinceMs: undefined });
      await Deno.remove(path);
      await Deno.writeTextFile(`${path}.other`, "takes its inode");
      await Deno.writeTextFile(path, "five\n");
      const end = new AbortController();
      const signal = AbortSignal.any([end.signal, AbortSignal.timeout(10_000)]);
      const texts: string[] = [];
      for await (const { text } of log.follow(signal)) {
        texts.push(text);
        if (text === "five") break;
      }
      end.abort();
      assertEquals(texts, ["five"]);
    });
  });
}

Deno.test("LogFile: a file that another program cut off or replaced is read from its start", async () => {
  await withFile(async (path) => {
    await Deno.writeTextFile(`${path}.1`, "old\n");
    await Deno.writeTextFile(path, "one\ntwo\n");
    const cut = () => Deno.writeTextFileSync(path, "new\n");
    assertEquals(await followed(path, "new", cut), ["new"]);
    const replace = () => {
      Deno.removeSync(path);
      Deno.writeTextFileSync(`${path}.other`, "");
      Deno.writeTextFileSync(path, "newer\n");
    };
    assertEquals(await followed(path, "newer", replace), ["newer"]);
  });
});
