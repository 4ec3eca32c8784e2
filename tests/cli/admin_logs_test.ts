/** `headcni logs`: files and a journal, together, from their end, and as they grow. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { AdminNode } from "./admin_node.ts";
import { executableFile, runProgram } from "./program.ts";

const MINUTE_MS = 60_000;

/** A line as our log writes it, so many minutes ago. */
function line(minutesAgo: number, message: string, level = "info"): string {
  const time = new Date(Date.now() - minutesAgo * MINUTE_MS).toISOString();
  return `${JSON.stringify({ time, level, pid: 7, message, verb: "ADD" })}\n`;
}

interface LogNode {
  /** What plugins wrote. */
  readonly plugin: string;
  /** What the daemon wrote into a file; it has none when absent. */
  readonly daemon?: string;
}

async function makeNode({ plugin, daemon }: LogNode): Promise<AdminNode> {
  const node = await AdminNode.make();
  await Deno.mkdir(`${node.root}/etc/headcni`, { recursive: true });
  const logging = daemon === undefined ? {} : { file: { path: `${node.root}/daemon.log` } };
  await Deno.writeTextFile(`${node.root}/etc/headcni/daemon.yaml`, JSON.stringify({ logging }));
  await Deno.writeTextFile(`${node.root}/plugin.log`, plugin);
  if (daemon !== undefined) await Deno.writeTextFile(`${node.root}/daemon.log`, daemon);
  return node;
}

/** Who wrote what, without times. */
function messagesIn(stdout: string): string[] {
  return stdout.split("\n").slice(0, -1).map((text) => text.replace(/\| \S+Z /, "| "));
}

const LOGS: LogNode = {
  plugin: line(30, "one") + "at a place\n" + line(10, "three", "error"),
  daemon: line(20, "two", "warn") + line(5, "four") + "half a li",
};

const ranges: readonly [args: string, messages: string[]][] = [
  ["", [
    "plugin | INFO  one verb=ADD",
    "plugin | at a place",
    "daemon | WARN  two verb=ADD",
    "plugin | ERROR three verb=ADD",
    "daemon | INFO  four verb=ADD",
  ]],
  ["--plugin --tail 1", ["plugin | ERROR three verb=ADD"]],
  ["--daemon", ["daemon | WARN  two verb=ADD", "daemon | INFO  four verb=ADD"]],
  ["--tail 2", ["plugin | ERROR three verb=ADD", "daemon | INFO  four verb=ADD"]],
  ["--since 15m", ["plugin | ERROR three verb=ADD", "daemon | INFO  four verb=ADD"]],
  ["--since 15m --tail 1", ["daemon | INFO  four verb=ADD"]],
  ["--tail 0", []],
];

for (const [args, messages] of ranges) {
  Deno.test(`headcni logs ${args}: lines of both in the order of their times`, async () => {
    await using node = await makeNode(LOGS);
    const words = args.split(" ").filter((word) => word !== "");
    const { code, stdout, stderr } = await node.run("logs", ...words);
    assertEquals([code, stderr, messagesIn(stdout)], [0, "", messages]);
  });
}

Deno.test("headcni logs --output json: every line is an object", async () => {
  await using node = await makeNode(LOGS);
  const { stdout } = await node.run("logs", "-o", "json");
  const objects = stdout.split("\n").slice(0, -1).map((text) => JSON.parse(text));
  assertEquals(objects.map(({ source, message }) => [source, message]), [
    ["plugin", "one"],
    ["plugin", "at a place"],
    ["daemon", "two"],
    ["plugin", "three"],
    ["daemon", "four"],
  ]);
});

Deno.test("headcni logs: a file of many blocks is read from its end", async () => {
  const text = Array.from({ length: 9_000 }, (_, at) => line(0, `message ${at} ${"x".repeat(60)}`));
  await using node = await makeNode({ plugin: text.join(""), daemon: "" });
  const all = await node.run("logs", "--plugin", "--tail", "8500", "-o", "json");
  const messages = all.stdout.split("\n").slice(0, -1).map((each) => JSON.parse(each).message);
  assertEquals([messages.length, messages[0]?.split(" ")[1]], [8_500, "500"]);
  assertEquals(messages.at(-1)?.split(" ")[1], "8999");
  const since = await node.run("logs", "--plugin", "--since", "1h");
  assertEquals(since.stdout.split("\n").length - 1, 9_000);
});

Deno.test("headcni logs: a log that cannot be read is told, the other one shown", async () => {
  await using node = await makeNode(LOGS);
  await Deno.remove(`${node.root}/daemon.log`);
  const { code, stdout, stderr } = await node.run("logs", "--tail", "1");
  assertEquals([code, messagesIn(stdout)], [0, ["plugin | ERROR three verb=ADD"]]);
  const missing = `Cannot read the log of the daemon "${node.root}/daemon.log": there is no such ` +
    "file; logging.file.path of the settings names another";
  assertEquals(stderr, `headcni: ${missing}\n`);
  const alone = await node.run("logs", "--daemon");
  assertEquals([alone.code, alone.stdout, alone.stderr], [1, "", `headcni: ${missing}\n`]);
});

/** A journalctl that writes down how it was called, and has two entries. */
async function placeJournal(node: AdminNode): Promise<Record<string, string>> {
  const entry = (minutesAgo: number, MESSAGE: unknown, cursor: string) =>
    JSON.stringify({
      __REALTIME_TIMESTAMP: String((Date.now() - minutesAgo * MINUTE_MS) * 1_000),
      __CURSOR: cursor,
      MESSAGE,
    });
  const entries = [
    entry(25, "Started the daemon.", "s=1"),
    entry(1, Array.from(new TextEncoder().encode(line(1, "five").trim())), "s=2"),
  ];
  await Deno.writeTextFile(`${node.root}/entries`, `${entries.join("\n")}\n`);
  const script = `#!/bin/sh
echo "$*" >>${node.root}/calls
case "$*" in
*--follow*) echo '${entry(0, "Stopping.", "s=3")}'; exec sleep 1000 ;;
*) cat ${node.root}/entries ;;
esac
`;
  await Deno.mkdir(`${node.root}/tools`);
  await Deno.writeTextFile(`${node.root}/tools/journalctl`, script, { mode: 0o755 });
  return { ...node.env, PATH: `${node.root}/tools:${Deno.env.get("PATH")}` };
}

Deno.test("headcni logs: without a file the journal has the daemon's", async () => {
  await using node = await makeNode({ plugin: line(10, "three") });
  const env = await placeJournal(node);
  const { code, stdout } = await runProgram({ args: ["logs", "--since", "1h"], env });
  assertEquals([code, messagesIn(stdout)], [0, [
    "daemon | Started the daemon.",
    "plugin | INFO  three verb=ADD",
    "daemon | INFO  five verb=ADD",
  ]]);
  assertStringIncludes(
    await Deno.readTextFile(`${node.root}/calls`),
    "--unit headcni --output=json --quiet --no-pager --no-tail --since=@",
  );
});

Deno.test("headcni logs: a machine without a journal is told so", async () => {
  await using node = await makeNode({ plugin: line(10, "three") });
  const env = { ...node.env, PATH: `${node.root}/none` };
  const executable = await executableFile(node.root);
  const { code, stderr } = await runProgram({ executable, args: ["logs"], env });
  assertEquals(code, 0);
  assertEquals(
    stderr,
    'headcni: Cannot read the journal of "headcni": there is no journalctl; logging.file.path of ' +
      "the settings names a file instead\n",
  );
});

/** Reads lines of a program's output as they come. */
class Lines {
  readonly #reader: ReadableStreamDefaultReader<Uint8Array<ArrayBuffer>>;
  readonly #decoder = new TextDecoder();
  #text = "";

  constructor(stream: ReadableStream<Uint8Array<ArrayBuffer>>) {
    this.#reader = stream.getReader();
  }

  async next(): Promise<string> {
    for (;;) {
      const [line, rest] = this.#text.split(/\n(.*)/s);
      if (rest !== undefined) {
        this.#text = rest;
        return messagesIn(`${line}\n`)[0] ?? "";
      }
      const { value, done } = await this.#reader.read();
      if (done) throw new Error(`Cannot read a line: it ended with "${this.#text}"`);
      this.#text += this.#decoder.decode(value, { stream: true });
    }
  }

  /** From now on nobody reads. */
  async close(): Promise<void> {
    await this.#reader.cancel();
  }
}

Deno.test("headcni logs --follow: what is appended, a new file in the old one's place, the journal", async () => {
  await using node = await makeNode({ plugin: line(10, "one") });
  const env = await placeJournal(node);
  const child = new Deno.Command(await executableFile(node.root), {
    args: ["logs", "--follow", "--tail", "1"],
    env,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const lines = new Lines(child.stdout);
  assertEquals(await lines.next(), "daemon | INFO  five verb=ADD");
  assertEquals(await lines.next(), "daemon | Stopping.");
  const path = `${node.root}/plugin.log`;
  const half = line(0, "six");
  await Deno.writeTextFile(path, half.slice(0, 20), { append: true });
  await Deno.writeTextFile(path, half.slice(20), { append: true });
  assertEquals(await lines.next(), "plugin | INFO  six verb=ADD");
  await Deno.rename(path, `${path}.1`);
  await Deno.writeTextFile(path, line(0, "seven"));
  assertEquals(await lines.next(), "plugin | INFO  seven verb=ADD");
  await lines.close();
  await Deno.writeTextFile(path, line(0, "eight"), { append: true });
  assertEquals((await child.status).code, 0);
  assertStringIncludes(await Deno.readTextFile(`${node.root}/calls`), "--after-cursor=s=2");
});
