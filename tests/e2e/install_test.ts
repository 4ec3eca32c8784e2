/** The program is installed, upgraded and removed where a real systemd runs the node. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { type ProgramOutcome, runProgram } from "../cli/program.ts";
import { HEADCNI, missingProgram } from "../cli/shipped.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { SETTINGS } from "../netns/machine.ts";
import { makeRelease, missingScriptForm } from "../netns/other_release.ts";
import { TestNode } from "../netns/plugin.ts";
import { missingSystemd, RealSystemd } from "./systemd.ts";

const UNIT = "headcni.service";
/** Folders of the machine that an install writes to, beside those that are the test's already. */
const PRIVATE =
  "mkdir -p /opt /etc/headcni; rm -rf /etc/cni /etc/containerd /etc/crio /etc/rancher;" +
  "for folder in /opt /usr/local/bin /var/lib /var/log; do mount -t tmpfs hct $folder; done";

testUnless(
  missingSystemd() || missingProgram() || missingScriptForm(),
  "headcni install, upgrade, uninstall: a real systemd runs the daemon, and knows no unit afterwards",
  async () => {
    await using node = await TestNode.make();
    await using systemd = await RealSystemd.start(node);
    const call = (args: readonly string[], executable = HEADCNI): Promise<ProgramOutcome> =>
      runProgram({ enter: systemd.enter, executable, args, env: { HEADCNI_CONFIG: "" } });
    const succeed = async (args: readonly string[], executable?: string) => {
      const { code, stderr, stdout } = await call([...args, "--output", "json"], executable);
      assertEquals([code, stderr], [0, ""], `${stdout}\n${await systemd.log()}`);
      return JSON.parse(stdout);
    };
    const asked = async (...names: string[]) =>
      await Promise.all(names.map((name) => systemd.property(UNIT, name)));
    await systemd.run("sh", "-ec", PRIVATE);

    const installed = await succeed(["install", ...SETTINGS]);
    assertEquals(installed.missing, []);
    assertEquals(await asked("ActiveState", "SubState", "UnitFileState"), [
      "active",
      "running",
      "enabled",
    ]);
    const [first] = await asked("MainPID");
    assertEquals((await succeed(["install", ...SETTINGS])).done, []);
    assertEquals(await asked("MainPID"), [first]);

    const other = await makeRelease(`${node.root}/other`, { version: "0.1.1" });
    assertEquals((await succeed(["upgrade"], other)).missing, []);
    assertStringIncludes(await systemd.run("/usr/local/bin/headcni", "version"), "0.1.1");
    const [second] = await asked("MainPID");
    assertEquals([second === first, await asked("ActiveState")], [false, ["active"]]);

    const broken = await makeRelease(`${node.root}/broken`, {
      version: "0.1.2",
      daemonPrologue: 'if (!Deno.args.includes("--version")) throw new Error("broken");\n',
    });
    const refused = await call(["upgrade", "--timeout", "10"], broken);
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertStringIncludes(refused.stderr, "is in use again");
    assertStringIncludes(await systemd.run("/usr/local/bin/headcni", "version"), "0.1.1");
    assertEquals(await asked("ActiveState", "SubState"), ["active", "running"]);

    const gone = await succeed(["uninstall"], "/usr/local/bin/headcni");
    assertEquals([gone.kept.filter((text: string) => !text.startsWith("net.")), gone.failures], [
      [],
      [],
    ]);
    assertEquals(await asked("LoadState", "ActiveState"), ["not-found", "inactive"]);
    assertEquals(
      await systemd.run("ls", "-A", "/opt", "/usr/local/bin", "/var/lib"),
      [
        ...["/opt:", "", "/usr/local/bin:", "", "/var/lib:", ""],
      ].join("\n"),
    );
  },
);
