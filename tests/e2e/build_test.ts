/** The build as an operator uses it: an installation of its own, and what `deno compile` embeds. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { VERSION } from "../../lib/version.ts";

const ROOT = fromFileUrl(new URL("../..", import.meta.url));

/** What a command printed, and its exit code. */
interface Outcome {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

/** Runs a command with nothing but the given environment. */
async function run(
  command: string,
  args: string[] = [],
  env: Record<string, string> = {},
): Promise<Outcome> {
  const output = await new Deno.Command(command, { args, env, clearEnv: true }).output();
  const [stdout, stderr] = [output.stdout, output.stderr].map((each) =>
    new TextDecoder().decode(each)
  );
  return { code: output.code, stdout: stdout ?? "", stderr: stderr ?? "" };
}

function build(...args: string[]): Promise<Outcome> {
  const script = join(ROOT, "scripts/build.ts");
  return run(
    Deno.execPath(),
    ["run", "-A", "--frozen", script, ...args],
    Deno.env.toObject(),
  );
}

Deno.test("build: an installation works under every name, linked or copied elsewhere", async (t) => {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const home = join(folder, "home");
    const built = await build(`--prefix=${home}`);
    assertEquals(built.code, 0, built.stderr);
    const plugins = join(folder, "plugins");
    await Deno.mkdir(plugins);
    await Deno.symlink(join(home, "headcni"), join(plugins, "headcni"));
    await Deno.copyFile(join(home, "headcni"), join(plugins, "headcni-ipam"));
    await Deno.copyFile(join(home, "headcni"), join(plugins, "loopback"));
    await Deno.link(join(home, "headcni"), join(plugins, "headcni-daemon"));
    for (const name of ["headcni", "headcni-ipam", "loopback"]) {
      await t.step(`${name} answers VERSION`, async () => {
        const { code, stdout } = await run(join(plugins, name), [], { CNI_COMMAND: "VERSION" });
        assertEquals(code, 0);
        assertStringIncludes(stdout, "supportedVersions");
      });
    }
    await t.step("what a call opens it closes", async () => {
      const env = {
        CNI_CONTAINERID: "c1",
        CNI_IFNAME: "eth0",
        CNI_NETNS: join(folder, "netns"),
        CNI_PATH: plugins,
        HEADCNI_DATA_DIR: join(folder, "store"),
        HEADCNI_RUN_DIR: join(folder, "run"),
        HEADCNI_RESULTS_DIR: join(folder, "results"),
        HEADCNI_LOG_FILE: join(folder, "plugin.log"),
      };
      const ipam = { type: "headcni-ipam", subnet: "10.244.0.0/24" };
      const config = join(folder, "config.json");
      await Deno.writeTextFile(
        config,
        JSON.stringify({ cniVersion: "1.0.0", name: "n", type: "x", ipam }),
      );
      for (const verb of ["ADD", "DEL"]) {
        const call = `exec "${join(plugins, "headcni-ipam")}" <"${config}"`;
        const { code } = await run("/bin/sh", ["-c", call], { ...env, CNI_COMMAND: verb });
        const files = Array.from(Deno.readDirSync(join(folder, "store")), ({ name }) => name);
        // SQLite's log and its index would be there beside the file of an open store.
        assertEquals([verb, code, ...files.sort()], [verb, 0, "ballast", "state.kv"]);
      }
    });
    await t.step("the programs beside the plugin are found", async () => {
      assertEquals(
        (await run(join(plugins, "headcni"), ["version"])).stdout,
        `headcni ${VERSION}\n`,
      );
      assertEquals((await run(join(plugins, "headcni-daemon"), ["--help"])).code, 0);
    });
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("build: deno compile can embed every role", async () => {
  const { code, stdout, stderr } = await build("--check-compile");
  assertEquals(
    [code, stdout],
    [0, "deno compile embeds plugin, admin, daemon, store-check\n"],
    stderr,
  );
});
