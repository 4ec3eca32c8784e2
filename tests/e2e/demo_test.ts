/** The demo, run as a stranger would: twice in a row, interrupted, and where it cannot work. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl } from "@std/path";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { missingMesh } from "./tailnet/mesh.ts";

const DEMO = fromFileUrl(new URL("../../scripts/demo", import.meta.url));

/** What is different about a run of the demo. */
interface DemoRun {
  /** Is told all that was printed so far. */
  readonly onOutput?: (text: string, interrupt: () => void) => void;
  /** A directory whose commands are found first. */
  readonly commands?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly args?: readonly string[];
}

/** Runs the demo in a process group of its own. */
async function runDemo(
  tmp: string,
  { onOutput = () => {}, commands, env, args = [] }: DemoRun = {},
): Promise<{ code: number; text: string }> {
  const path = Deno.env.get("PATH") ?? "";
  const child = new Deno.Command("setsid", {
    args: [DEMO, ...args],
    env: { ...env, TMPDIR: tmp, PATH: commands ? `${commands}:${path}` : path },
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

testUnless(
  missingRoot(),
  "demo: holds twice in a row and leaves nothing",
  () =>
    expectNoTrace(async (tmp) => {
      for (const _ of [1, 2]) {
        const { code, text } = await runDemo(tmp);
        assertEquals(code, 0, text);
        assertStringIncludes(text, "05-headcni.conflist");
        assert(text.endsWith("demo: all of it held\n"), text);
      }
    }),
);

testUnless(
  missingRoot(),
  "demo: an interrupted one leaves nothing",
  () =>
    expectNoTrace(async (tmp) => {
      let interrupted = false;
      const onOutput = (text: string, interrupt: () => void) => {
        if (interrupted || !text.includes("red to blue: answered")) return;
        interrupted = true;
        interrupt();
      };
      const { code } = await runDemo(tmp, { onOutput });
      assert(interrupted);
      assertEquals(code, 130);
    }),
);

testUnless(
  missingRoot(),
  "demo: a daemon that cannot start is told, and nothing is left",
  () =>
    expectNoTrace(async (tmp) => {
      const { code, text } = await runDemo(tmp, { env: { METRICS_PORT: "none" } });
      assertEquals(code, 1, text);
      assert(text.endsWith("demo: starting the daemon\n"), text);
    }),
);

testUnless(
  missingRoot(),
  "demo: where nothing can be mounted podman is never asked for anything",
  () =>
    expectNoTrace((tmp) =>
      withStubs(async (commands, asked) => {
        assertEquals((await runDemo(tmp, { commands })).code, 32);
        assertEquals(asked(), []);
      })
    ),
);

Deno.test("demo: its inside refuses to run among the machine's own files", () =>
  withStubs(async (commands, asked) => {
    const env = { PATH: `${commands}:${Deno.env.get("PATH")}` };
    const { code, stderr } = await new Deno.Command(DEMO, { args: ["inside"], env }).output();
    assertEquals([code, asked()], [1, []]);
    assertStringIncludes(new TextDecoder().decode(stderr), "namespaces of its own");
  }));

/** A directory with a `mount` that fails and a `podman` whose calls are counted. */
async function withStubs(
  body: (commands: string, asked: () => string[]) => Promise<void>,
): Promise<void> {
  const commands = await Deno.makeTempDir({ prefix: "hct" });
  const record = `${commands}/asked`;
  try {
    const mode = 0o755;
    await Deno.writeTextFile(record, "");
    await Deno.writeTextFile(`${commands}/mount`, "#!/bin/sh\nexit 32\n", { mode });
    const podman = `#!/bin/sh\necho "$@" >>${record}\n`;
    await Deno.writeTextFile(`${commands}/podman`, podman, { mode });
    await body(commands, () => Deno.readTextFileSync(record).split("\n").filter(Boolean));
  } finally {
    await Deno.remove(commands, { recursive: true });
  }
}

testUnless(missingMesh(), "mesh: the demo shows two nodes, and leaves nothing", async () => {
  await expectNoTrace(async (tmp) => {
    const { code, text } = await runDemo(tmp, { args: ["--mesh"] });
    assertEquals(code, 0, text);
    assertStringIncludes(text, "demo: all of it held");
    assertStringIncludes(text, "no packet of a pod was seen between the nodes");
  });
});
