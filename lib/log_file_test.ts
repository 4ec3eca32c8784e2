import { assertEquals, assertThrows } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { appendLine, type LogLimits } from "./log_file.ts";

const MODULE = new URL("./log_file.ts", import.meta.url).href;
const CONFIG = fromFileUrl(new URL("../deno.json", import.meta.url));

async function withFolder(body: (path: string, folder: string) => unknown): Promise<void> {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  try {
    await body(join(folder, "a.log"), folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

/** Texts of the files in a folder, by name. */
function textsIn(folder: string): Record<string, string> {
  const names = Array.from(Deno.readDirSync(folder), ({ name }) => name).sort();
  return Object.fromEntries(names.map((name) => [name, Deno.readTextFileSync(join(folder, name))]));
}

function append(path: string, lines: readonly string[], limits: Partial<LogLimits> = {}): void {
  for (const line of lines) appendLine(path, line, { maxBytes: 4, maxBackups: 2, ...limits });
}

Deno.test("appendLine: a file that is full is put aside, and the oldest goes", () =>
  withFolder((path, folder) => {
    append(path, ["1", "2", "3", "4", "5"]);
    assertEquals(textsIn(folder), { "a.log": "5\n", "a.log.1": "3\n4\n", "a.log.2": "1\n2\n" });
    append(path, ["6", "7", "8"]);
    assertEquals(textsIn(folder), { "a.log.1": "7\n8\n", "a.log.2": "5\n6\n" });
  }));

Deno.test("appendLine: fewer that are to be kept, and none", () =>
  withFolder((path, folder) => {
    append(path, ["111", "222", "333"], { maxBackups: 3 });
    assertEquals(Object.keys(textsIn(folder)), ["a.log.1", "a.log.2", "a.log.3"]);
    append(path, ["444"], { maxBackups: 1 });
    assertEquals(textsIn(folder), { "a.log.1": "444\n" });
    append(path, ["5", "666", "7"], { maxBackups: 0 });
    assertEquals(textsIn(folder), { "a.log": "7\n" });
  }));

Deno.test("appendLine: what is older than the age goes, what is younger stays", () =>
  withFolder((path, folder) => {
    append(path, ["111", "222", "333"], { maxBackups: 9 });
    const [hour, now] = [3_600_000, Date.now()];
    for (const [number, hours] of [[3, 5], [2, 3], [1, 1]] as const) {
      Deno.utimeSync(`${path}.${number}`, new Date(now), new Date(now - hours * hour));
    }
    append(path, ["444"], { maxBackups: 9, maxAgeMs: 4 * hour });
    assertEquals(Object.values(textsIn(folder)), ["444\n", "333\n", "222\n"]);
  }));

Deno.test("appendLine: a link stays, and files are put aside where it leads to", () =>
  withFolder((path, folder) => {
    Deno.mkdirSync(join(folder, "disk"));
    Deno.symlinkSync(join(folder, "disk/b.log"), path);
    append(path, ["111", "2", "333", "4"]);
    assertEquals(Deno.readLinkSync(path), join(folder, "disk/b.log"));
    const texts = textsIn(join(folder, "disk"));
    assertEquals(texts, { "b.log": "4\n", "b.log.1": "2\n333\n", "b.log.2": "111\n" });
  }));

Deno.test("appendLine: a device takes lines and is never put aside", () =>
  withFolder((_, folder) => {
    const link = join(folder, "null.log");
    Deno.symlinkSync("/dev/null", link);
    append(link, ["111", "222"]);
    assertEquals(Object.keys(textsIn(folder)), ["null.log"]);
  }));

Deno.test("appendLine: what is no file is refused", () =>
  withFolder((_, folder) => {
    assertThrows(() => append(folder, ["1"]), Error, "it is no regular file");
  }));

Deno.test("appendLine: several processes lose no line and tear none", () =>
  withFolder(async (path, folder) => {
    const [writers, lines] = [4, 300];
    const statuses = await Promise.all(Array.from({ length: writers }, (_, writer) => {
      const code = `import { appendLine } from ${JSON.stringify(MODULE)};
        for (let line = 0; line < ${lines}; line++) {
          appendLine(${
        JSON.stringify(path)
      }, \`${writer}:\${line}\`, { maxBytes: 500, maxBackups: 1000 });
        }`;
      const args = ["eval", "--ext=ts", `--config=${CONFIG}`, code];
      return new Deno.Command(Deno.execPath(), { args, stdin: "null" }).output();
    }));
    assertEquals(statuses.map(({ code }) => code), Array(writers).fill(0));
    const found = Object.values(textsIn(folder)).join("").trimEnd().split("\n").toSorted();
    const wanted = Array.from(
      { length: writers },
      (_, writer) => Array.from({ length: lines }, (_, line) => `${writer}:${line}`),
    ).flat();
    assertEquals(found, wanted.toSorted());
  }));
