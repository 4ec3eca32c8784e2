/** The demo, run as a stranger would: twice in a row, and interrupted. */
import { assert, assertEquals } from "@std/assert";
import { fromFileUrl } from "@std/path";

const DEMO = fromFileUrl(new URL("../../scripts/demo", import.meta.url));
const needsRoot = { ignore: Deno.uid() !== 0 };

/** Runs the demo in a process group of its own; `onOutput` is told all that it printed so far. */
async function runDemo(
  tmp: string,
  onOutput: (text: string, interrupt: () => void) => void = () => {},
): Promise<{ code: number; text: string }> {
  const child = new Deno.Command("setsid", {
    args: [DEMO],
    env: { TMPDIR: tmp },
    stdin: "null",
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  let text = "";
  for await (const part of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += part;
    onOutput(text, () => Deno.kill(-child.pid, "SIGINT"));
  }
  return { code: (await child.status).code, text };
}

/** Runs `body` and expects that the demo left nothing where it may write. */
async function expectNoTrace(body: (tmp: string) => Promise<void>): Promise<void> {
  const tmp = await Deno.makeTempDir({ prefix: "hct" });
  try {
    await body(tmp);
    assertEquals(Array.from(Deno.readDirSync(tmp), ({ name }) => name), []);
    assertEquals(demoGroups(), []);
  } finally {
    await Deno.remove(tmp, { recursive: true });
  }
}

/** Control groups of demos, at the two levels where systems mount the hierarchies. */
function demoGroups(): string[] {
  const list = (path: string) =>
    Array.from(Deno.readDirSync(path), ({ name }) => `${path}/${name}`);
  const isFolder = (path: string) => Deno.lstatSync(path).isDirectory;
  const top = list("/sys/fs/cgroup").filter(isFolder);
  return [...top, ...top.flatMap(list)].filter((path) => path.includes("/headcni-demo-"));
}

Deno.test({
  name: "demo: holds twice in a row and leaves nothing (root only)",
  ...needsRoot,
  fn: () =>
    expectNoTrace(async (tmp) => {
      for (const _ of [1, 2]) {
        const { code, text } = await runDemo(tmp);
        assertEquals(code, 0, text);
        assert(text.endsWith("demo: all of it held\n"), text);
      }
    }),
});

Deno.test({
  name: "demo: an interrupted one leaves nothing (root only)",
  ...needsRoot,
  fn: () =>
    expectNoTrace(async (tmp) => {
      let interrupted = false;
      const { code } = await runDemo(tmp, (text, interrupt) => {
        if (interrupted || !text.includes("red to blue: answered")) return;
        interrupted = true;
        interrupt();
      });
      assert(interrupted);
      assertEquals(code, 130);
    }),
});
