/** What a daemon and its plugins put on a node is taken back, and pods that are left keep theirs. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { UninstallReport } from "../../lib/daemon/uninstall.ts";
import { type ProgramOutcome, runProgram } from "../cli/program.ts";
import { assertSameLines, nodeTest, type TestNode } from "./plugin.ts";

/** Another network's, which sorts before ours. */
const OTHER = { name: "01-other.conflist", text: '{"cniVersion":"1.0.0","name":"other"}' };
/** A firewall whose policy drops, in which the daemon has a chain of its own. */
const FIREWALL = "add table ip fw; add chain ip fw dropping " +
  "{ type filter hook forward priority 0; policy drop; }";

/** Every folder of the node lies in its own. */
function environmentOf(node: TestNode): Record<string, string> {
  return {
    ...node.environment,
    HEADCNI_HOST_ROOT: `${node.root}/nothing`,
    HEADCNI_KUBE_ACCESS: "off",
    TAILSCALE_MODE: "off",
    HEADCNI_CONFIG: "",
    CNI_CONF_DIR: `${node.root}/net.d`,
    CNI_BIN_DIR: `${node.root}/bin`,
    NODE_POD_CIDR: "10.9.0.0/24,fd00:9::/64",
    POD_CIDR: "10.9.0.0/16,fd00:9::/32",
    NODE_NAME: "edge-7",
    METRICS_PORT: "9001",
  };
}

/** Runs `fn` beside a daemon that has made the node ready; the daemon must end well. */
async function withDaemon(node: TestNode, fn: (pid: number) => Promise<void>): Promise<void> {
  const daemon = new Deno.Command("nsenter", {
    args: [`--net=${node.host.path}`, node.plugin, "daemon", "--log-format=text"],
    env: environmentOf(node),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  let text = "";
  const ready = Promise.withResolvers<void>();
  const ended = (async () => {
    for await (const part of daemon.stderr.pipeThrough(new TextDecoderStream())) {
      text += part;
      if (text.includes("The node is ready")) ready.resolve();
    }
    ready.reject(new Error(`The daemon ended: ${text}`));
  })();
  try {
    await ready.promise;
    await fn(daemon.pid);
  } finally {
    daemon.kill("SIGTERM");
    await ended;
    assertEquals((await daemon.status).code, 0, text);
  }
}

function uninstall(node: TestNode, ...args: string[]): Promise<ProgramOutcome> {
  return runProgram({
    enter: ["nsenter", `--net=${node.host.path}`],
    executable: node.plugin,
    args: ["uninstall", "--output", "json", ...args],
    env: environmentOf(node),
  });
}

function reportOf({ stdout }: ProgramOutcome): UninstallReport {
  return JSON.parse(stdout);
}

/** The configuration that a runtime would take. */
async function configOf(node: TestNode) {
  const text = await Deno.readTextFile(`${node.root}/net.d/05-headcni.conflist`);
  const { cniVersion, name, plugins: [plugin] } = JSON.parse(text);
  return { cniVersion, name, ...plugin };
}

function filesIn(folder: string): string[] {
  return Array.from(Deno.readDirSync(folder), ({ name }) => name).toSorted();
}

/** The node before the daemon, as far as it is to be again: it goes on forwarding. */
async function stage(node: TestNode): Promise<string> {
  await Deno.mkdir(`${node.root}/net.d`);
  await Deno.writeTextFile(`${node.root}/net.d/${OTHER.name}`, OTHER.text);
  await node.host.run("nft", FIREWALL);
  const paths = ["net.ipv4.ip_forward=1", "net.ipv6.conf.all.forwarding=1"];
  await node.host.run("sysctl", "-qw", ...paths);
  return await node.host.snapshot();
}

nodeTest("headcni uninstall: takes all back, once pods and daemon are gone", async (node) => {
  const before = await stage(node);
  const pod = await node.makePod();
  await withDaemon(node, async (pid) => {
    assertEquals(filesIn(`${node.root}/net.d`), [
      "01-other.conflist.headcni-moved-1",
      "05-headcni.conflist",
    ]);
    await node.add(pod, await configOf(node));
    const refused = await uninstall(node);
    assertEquals([refused.code, refused.stdout], [1, ""]);
    assertStringIncludes(refused.stderr, `Cannot uninstall: process ${pid} is the daemon`);
  });
  const config = await configOf(node);
  await node.unchangedBy([pod], async () => {
    const early = await uninstall(node);
    assertEquals([early.code, reportOf(early).pods], [1, 1], early.stderr);
    assertStringIncludes(early.stderr, "pods are left");
  });
  assertEquals(filesIn(`${node.root}/net.d`), [OTHER.name]);
  assertEquals(await Deno.readTextFile(`${node.root}/net.d/${OTHER.name}`), OTHER.text);
  await node.del(pod, config);

  const done = await uninstall(node);
  assertEquals([done.code, done.stderr], [0, ""]);
  assertEquals([reportOf(done).pods, reportOf(done).kept], [0, []]);
  assertSameLines(await node.host.snapshot(), before);
  assertEquals(filesIn(`${node.root}/bin`), []);
  for (const gone of ["run", "data"]) {
    assertEquals(filesIn(node.root).includes(gone), false, gone);
  }
  const again = await uninstall(node);
  assertEquals([again.code, again.stderr, reportOf(again).failures], [0, "", []]);
  assertSameLines(await node.host.snapshot(), before);
});

nodeTest(
  "headcni uninstall: --force leaves pods only their links, and what is not ours",
  async (node) => {
    await stage(node);
    const pod = await node.makePod();
    await withDaemon(node, async () => {
      await node.add(pod, await configOf(node));
    });
    await Deno.remove(`${node.root}/bin/headcni-ipam`);
    await Deno.writeTextFile(`${node.root}/bin/headcni-ipam`, "of another release");
    await Deno.writeTextFile(`${node.root}/data/notes`, "of somebody");
    const forced = await uninstall(node, "--force");
    assertEquals([forced.code, forced.stderr], [0, ""]);
    assertEquals(reportOf(forced).kept, [
      "headcni0: it has ports; to remove it: ip link delete headcni0",
      `${node.root}/bin/headcni-ipam: it is not this program`,
      `${node.root}/data: it is not empty`,
    ]);
    assertEquals([filesIn(`${node.root}/bin`), filesIn(`${node.root}/data`)], [
      ["headcni-ipam"],
      ["notes"],
    ]);
    const rules = await node.host.run("nft", "list", "ruleset");
    assert(!/headcni/i.test(rules), rules);
    assert(!(await node.host.run("ip", "rule")).includes("5100:"));
    assert(!(await node.host.run("ip", "route")).includes("unreachable"));
  },
);

nodeTest("headcni uninstall: where nothing is there is nothing to take back", async (node) => {
  const before = await stage(node);
  const { code, stderr, stdout } = await uninstall(node);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(reportOf({ code, stderr, stdout }).failures, []);
  assertSameLines(await node.host.snapshot(), before);
});
