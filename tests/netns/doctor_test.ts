/** `headcni doctor` on a node that is well, and on one with which something is wrong. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type ProgramOutcome, runProgram } from "../cli/program.ts";
import { HEADCNI, missingProgram } from "../cli/shipped.ts";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { conflistPath, settingsPath, TestDaemon } from "./daemon.ts";
import { NODE_BREAKAGES } from "./doctor_breakages.ts";
import { InstalledPlugin } from "./installed_plugin.ts";
import { nodeTest, TestNode } from "./plugin.ts";

interface Report {
  readonly ok: boolean;
  readonly checks: readonly {
    readonly id: string;
    readonly verdict: string;
    readonly evidence: string;
    readonly fix: string;
  }[];
  readonly fixes: readonly {
    readonly remedy: string;
    readonly checks: readonly string[];
    readonly done: readonly string[];
    readonly failures: readonly string[];
  }[];
}

function doctor(node: TestNode, ...args: string[]): Promise<ProgramOutcome> {
  return runProgram({
    enter: node.enter,
    executable: node.plugin,
    args: ["doctor", ...args],
    env: doctorEnvironment(node),
  });
}

function doctorEnvironment(node: TestNode): Record<string, string> {
  return {
    ...node.environment,
    HEADCNI_CONFIG: settingsPath(node),
    HEADCNI_HOST_ROOT: `${node.root}/machine`,
  };
}

async function examine(node: TestNode, ...args: string[]): Promise<Report> {
  const outcome = await doctor(node, "--output", "json", ...args);
  return JSON.parse(outcome.stdout || outcome.stderr);
}

/** Ids of the checks that are not well. */
function found({ checks }: Report): string[] {
  return checks.filter(({ verdict }) => verdict === "warn" || verdict === "fail")
    .map(({ id }) => id);
}

/** A daemon that runs mends what others do, so it has ended; that it has is found each time. */
const ALWAYS = ["daemon"];

nodeTest("headcni doctor: a node with pods and a daemon is well", async (node) => {
  await using _daemon = await TestDaemon.start(node);
  const plugin = await InstalledPlugin.read(node);
  const pod = await node.makePod();
  await plugin.add(pod);
  const before = await node.snapshot([pod]);
  const report = await examine(node);
  assertEquals([report.ok, found(report)], [true, []]);
  const skipped = report.checks.filter(({ verdict }) => verdict === "skip").map(({ id }) => id);
  assertEquals(
    skipped.filter((id) => !/^mesh-|^(runtime-view|pod-cidr-api|conntrack)$/.test(id)),
    [],
  );
  assertEquals(await node.snapshot([pod]), before);
  await plugin.del(pod);
});

nodeTest(
  "headcni doctor: each thing that is broken is found by its check, and mended",
  async (node) => {
    const daemon = await TestDaemon.start(node);
    const plugin = await InstalledPlugin.read(node);
    const pod = await node.makePod();
    await plugin.add(pod);
    await daemon.end();
    assertEquals(found(await examine(node)), ALWAYS);
    for (const { what, checks, isMended, act, undo } of NODE_BREAKAGES) {
      await act(node);
      const report = await examine(node);
      assertEquals(found(report), inOrder(report, [...ALWAYS, ...checks]), what);
      const told = report.checks.filter(({ id }) => checks.includes(id));
      assertEquals(told.filter(({ evidence, fix }) => evidence === "" || fix === ""), [], what);
      const after = await examine(node, "--fix", "--yes");
      assertEquals(after.fixes.flatMap(({ failures }) => failures), [], what);
      assertEquals(after.fixes.length > 0, isMended, what);
      await undo?.(node);
      const last = isMended ? after : await examine(node);
      assertEquals(found(last), ALWAYS, `${what}, mended`);
    }
    await plugin.del(pod);
  },
);

/** In the order in which they are told. */
function inOrder({ checks }: Report, ids: readonly string[]): string[] {
  return checks.map(({ id }) => id).filter((id) => ids.includes(id));
}

nodeTest(
  "headcni doctor: a daemon that hangs holds nobody up, and keeps its node",
  async (node) => {
    await using daemon = await TestDaemon.start(node);
    await daemon.signal("SIGSTOP");
    await Deno.remove(conflistPath(node));
    const report = await examine(node, "--fix", "--yes", "--only", "daemon", "runtime");
    assertEquals(found(report), ["daemon", "conflist"]);
    assertStringIncludes(
      report.checks.find(({ id }) => id === "daemon")?.evidence ?? "",
      "it did not answer in",
    );
    const failures = report.fixes.flatMap(({ failures }) => failures);
    assertEquals(failures.length, 1);
    assertStringIncludes(failures[0] ?? "", "is the daemon of this node");
    await daemon.signal("SIGCONT");
  },
);

nodeTest("headcni doctor --fix: asks on a terminal, and does only what it may", async (node) => {
  const daemon = await TestDaemon.start(node);
  await daemon.end();
  await Deno.remove(conflistPath(node));
  const ask = async (answer: string) => {
    const { stdout } = await runProgram({
      enter: [...node.enter, "script", "-qefc"],
      executable: `${node.plugin} doctor --fix --only conflist`,
      args: ["/dev/null"],
      env: doctorEnvironment(node),
      stdin: `${answer}\n`,
    });
    assertStringIncludes(stdout, "Make one turn over the node, as the daemon does (conflist)?");
    return stdout;
  };
  for (const answer of ["", "n", "maybe"]) {
    assertStringIncludes(await ask(answer), "there is none");
    assertEquals(Array.from(Deno.readDirSync(`${node.root}/conf`)), [], answer);
  }
  const mended = await ask("y");
  assertStringIncludes(mended, "Mended for conflist:");
  assertStringIncludes(mended, "1 ok, 0 warn, 0 fail");
  assertEquals((await Deno.stat(conflistPath(node))).isFile, true);
});

/** The launcher of the program, by another user who may not enter the folder of Deno. */
function asNobody(node: TestNode): readonly string[] {
  const text = Deno.readTextFileSync(HEADCNI);
  const [, cache = "", deno = "", options = ""] =
    /DENO_DIR=(\S+) .*exec (\S+) (run .*) "\$0"/.exec(text) ?? [];
  const user = "setpriv --reuid=65534 --regid=65534 --clear-groups";
  const script = deno === ""
    ? `exec ${user} "$@"`
    : `exec 9<${deno}; export DENO_DIR=${cache}; p=$1; shift; ` +
      `exec ${user} /proc/self/fd/9 ${options} "$p" "$@"`;
  return [...node.enter, "sh", "-c", script, "sh"];
}

testUnless(
  missingRoot() || missingProgram(),
  "headcni doctor: another user sees less, and says so",
  async () => {
    await using node = await TestNode.make();
    await using _daemon = await TestDaemon.start(node);
    const plugin = await InstalledPlugin.read(node);
    const pod = await node.makePod();
    await plugin.add(pod);
    await Deno.chmod(node.root, 0o755);
    await Deno.chmod(settingsPath(node), 0o644);
    const { stdout, stderr } = await runProgram({
      enter: asNobody(node),
      executable: HEADCNI,
      args: ["doctor", "--output", "json"],
      env: doctorEnvironment(node),
    });
    const report: Report = JSON.parse(stdout || stderr);
    assertEquals(report.checks.filter(({ verdict }) => verdict === "fail"), []);
    const blind = report.checks.filter(({ evidence }) => evidence.startsWith("needs root"));
    const ids = blind.map(({ id }) => id);
    for (const id of ["daemon", "conflist", "subnet-file", "leases", "masquerade"]) {
      assert(ids.includes(id), id);
    }
    for (const id of ["settings", "executables", "pod-cidr", "ip-rule", "forwarding"]) {
      assertEquals(report.checks.find((check) => check.id === id)?.verdict, "pass", id);
    }
    await plugin.del(pod);
  },
);
