/** Another release takes the place of the installed one while pods talk. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { VERSION } from "../../lib/version.ts";
import { machineTest, SETTINGS, type TestMachine } from "./machine.ts";
import { makeRelease, missingScriptForm } from "./other_release.ts";
import { bare } from "./plugin.ts";

const INSTALLED = "/usr/local/bin/headcni";

/** Runs something while a pod is asked for an answer every 10 ms; answers how many are lost. */
async function lostDuring(
  machine: TestMachine,
  address: string,
  fn: () => Promise<void>,
): Promise<{ readonly sent: number; readonly lost: number }> {
  const ping = new Deno.Command("nsenter", {
    args: [`--net=${machine.host.path}`, "ping", "-i", "0.01", address],
    stdin: "null",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const printed = new Response(ping.stdout).text();
  await fn();
  ping.kill("SIGINT");
  const text = await printed;
  const [, sent, received] = /(\d+) packets transmitted, (\d+) received/.exec(text) ?? [];
  return { sent: Number(sent), lost: Number(sent) - Number(received) };
}

/** The release that answers where people find it. */
async function installedVersion(machine: TestMachine): Promise<string> {
  return (await machine.run(`${INSTALLED} version`)).trim();
}

machineTest(
  "headcni upgrade: the new release runs, no pod loses a packet, and a second run has nothing to do",
  async (machine) => {
    const first = await machine.succeed(["install", ...SETTINGS]);
    const pod = await machine.makePod();
    const network = await machine.network();
    const { ips: [ip] = [] } = await machine.plugin("ADD", pod, network);
    const other = await makeRelease(`${machine.root}/other`, { version: "0.1.1" });
    const refused = await machine.call(["install", ...SETTINGS], other);
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertStringIncludes(refused.stderr, '"headcni upgrade" replaces it');
    // It is not what runtimes call, and knows so.
    await machine.succeed(["doctor", "--only", "executables"], other);
    await machine.takeCalls();
    const planned = await machine.succeed(["upgrade", "--dry-run"], other);
    assertEquals(await installedVersion(machine), `headcni ${VERSION}`);
    const { sent, lost } = await lostDuring(machine, bare(ip?.address), async () => {
      const done = await machine.succeed(["upgrade", "--from", `${machine.root}/other`], INSTALLED);
      assertEquals([done.from, done.done, done.missing], [first.release, planned.done, []]);
    });
    assert(sent > 20, String(sent));
    assertEquals(lost, 0);
    assertEquals(await installedVersion(machine), "headcni 0.1.1");
    assertEquals(await machine.takeCalls(), [
      "is-active headcni.service",
      "is-active headcni.service",
      "restart headcni.service",
    ]);
    const again = await machine.succeed(["upgrade"], INSTALLED);
    assertEquals([again.done, again.missing], [[], []]);
    await machine.plugin("DEL", pod, network);
  },
  missingScriptForm(),
);

machineTest(
  "headcni upgrade: one whose daemon does not come up leaves the release of before in use",
  async (machine) => {
    const { release } = await machine.succeed(["install", ...SETTINGS]);
    const before = await machine.snapshot();
    const other = await makeRelease(`${machine.root}/other`, {
      version: "0.1.1",
      daemonPrologue: 'if (!Deno.args.includes("--version")) throw new Error("broken");\n',
    });
    const { code, stderr } = await machine.call(["upgrade", "--timeout", "10"], other);
    assertEquals(code, 1);
    assertStringIncludes(stderr, `"${release}" is in use again`);
    assertEquals(await installedVersion(machine), `headcni ${VERSION}`);
    const now = await machine.snapshot();
    for (const path of ["/opt/", "/etc/"]) {
      const files = (text: string) => text.split("\n").filter((line) => line.startsWith(path));
      assertEquals(files(now), files(before));
    }
    assertEquals((await machine.succeed(["install", ...SETTINGS], INSTALLED)).done, []);
  },
  missingScriptForm(),
);

machineTest(
  "headcni upgrade: refuses where nothing is installed, or the store is of a newer format",
  async (machine) => {
    const none = await machine.call(["upgrade"]);
    assertEquals([none.code, none.stdout], [2, ""]);
    assertStringIncludes(none.stderr, "run that");
    await machine.succeed(["install", ...SETTINGS]);
    await machine.run("cat /run/fake/pid | xargs kill");
    const kv = await Deno.makeTempFile({ dir: machine.root });
    using store = await Deno.openKv(kv);
    await store.set(["schema"], { version: 9, readableFrom: 9 });
    store.close();
    await machine.run(`rm -f /var/lib/headcni/state.kv*; cp ${kv} /var/lib/headcni/state.kv`);
    const other = await makeRelease(`${machine.root}/other`, { version: "0.0.9" });
    const refused = await machine.call(["upgrade"], other);
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertStringIncludes(refused.stderr, "it cannot read the store");
    assertStringIncludes(await machine.run("readlink /opt/headcni/headcni"), VERSION);
    await machine.takeCalls();
    const forced = await machine.succeed(["upgrade", "--force"], other);
    assertStringIncludes(forced.release, "0.0.9-");
    // The daemon that was stopped stays so.
    assertEquals((await machine.takeCalls()).filter((call) => call.startsWith("restart")), []);
  },
  missingScriptForm(),
);
