/** Does what README says of the daemon, as far as it needs neither kernel nor root. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { ERROR_CODES } from "../../lib/cni/codes.ts";
import { BINARY_NAMES } from "../../lib/daemon/binaries.ts";
import { nodeApp } from "../../lib/daemon/server.ts";
import { ENTRIES } from "../../lib/daemon/settings/catalogue.ts";
import { explain } from "../../lib/daemon/settings/explain.ts";
import { loadSettings } from "../../lib/daemon/settings/load.ts";
import { readFlags } from "../../lib/daemon/settings/read_flags.ts";
import { podCidrPlaces } from "../../lib/discovery/pod_cidr_places.ts";
import { NODE_KUBECONFIGS } from "../../lib/kube/access.ts";
import { planConflist } from "../../lib/node/conflist.ts";
import { formatMetricsTable } from "../fakes/metrics_table.ts";
import { chapterOf, pastedFiles } from "../fakes/readme.ts";
import { AdminNode, DEAD_NETNS } from "./admin_node.ts";
import { runProgram } from "./program.ts";

const CHAPTER = chapterOf("The node daemon");
const TROUBLES = chapterOf("Troubleshooting");

/** Command lines of ours in a chapter: those of blocks, and those in the text. */
function commandsOf(chapter: string): string[] {
  const lines = chapter.matchAll(/^headcni ([^#\n]+)/gm);
  const words = chapter.matchAll(/`headcni ([^`\n]+)`/g);
  const commands = [...lines, ...words].map(([, command = ""]) => command.trim());
  return [...new Set(commands)];
}

function servedPaths(): string[] {
  const app = nodeApp({
    stuck: () => [],
    health: () => ({ status: "healthy", timestamp: "", services: {}, uptime: "0s", reasons: [] }),
    metrics: () => Promise.resolve({ contentType: "text/plain", text: "" }),
    status: () => ({}),
  }, "/metrics");
  return app.routes.map(({ path }) => path);
}

Deno.test("README: the settings file of the daemon's chapter is a valid one", async () => {
  const [file, ...others] = pastedFiles("The node daemon");
  assert(file);
  assertEquals([file.path, others], ["/etc/headcni/daemon.yaml", []]);
  const path = await Deno.makeTempFile({ prefix: "hct", suffix: ".yaml" });
  try {
    await Deno.writeTextFile(path, file.text);
    const { settings, warnings } = loadSettings({ line: readFlags([`--config=${path}`]), env: {} });
    assertEquals(warnings, []);
    const { plugins } = planConflist({ cniPlugins: settings.cniPlugins });
    const types = Array.isArray(plugins) ? plugins.map(({ type }) => type) : [];
    assertEquals(types, ["headcni", "portmap", "tuning"]);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("README: names the files in which the node's network is looked for, in their order", () => {
  const [, rest = ""] = CHAPTER.split("The files, strongest first:");
  const [list = ""] = rest.split("\n\n");
  const named = Array.from(list.matchAll(/`([^`]+)`/g), ([, path]) => path);
  const places = podCidrPlaces("node").map(({ path }) => path);
  assertEquals(named.map((path) => path?.replace("<node>", "node")), places);
});

Deno.test("README: names all kubeconfigs and executables of the daemon", () => {
  for (const name of [...NODE_KUBECONFIGS, ...BINARY_NAMES]) {
    assert(CHAPTER.includes(`\`${name}\``), name);
  }
});

Deno.test("README: the daemon has the paths that are named, and no others", () => {
  const named = Array.from(
    CHAPTER.matchAll(/^\| `(\/[a-z]+)`(?: \(`(\/[a-z]+)`\))? \|/gm),
    ([, path = "", other]) => other === undefined ? [path] : [path, other],
  );
  assertEquals(named.flat().toSorted(), servedPaths().toSorted());
});

Deno.test("README: the troubles name only paths, keys, metrics and codes that there are", () => {
  const asked = Array.from(TROUBLES.matchAll(/http:\/\/localhost(\/\w+)/g), ([, path]) => path);
  asked.push(...Array.from(TROUBLES.matchAll(/`(\/[a-z]+)`/g), ([, path]) => path));
  assert(asked.length > 2);
  const keys = new Set(ENTRIES.flatMap((entry) => explain(entry).keys));
  const sections = new Set(Array.from(keys, (key) => key.split(".")[0]));
  const named = Array.from(
    TROUBLES.matchAll(/`([a-z]\w*\.[\w.]+)(?:: [^`]*)?`/gi),
    ([, key]) => key,
  )
    .filter((key) => sections.has(key?.split(".")[0]));
  assert(named.length > 5);
  const metrics = Array.from(TROUBLES.matchAll(/\b(headcni_\w+_\w+)\b/g), ([, name]) => name);
  const codes = Array.from(TROUBLES.matchAll(/code (\d+)/g), ([, code]) => Number(code));
  assertEquals({
    paths: asked.filter((path) => !servedPaths().includes(path ?? "")),
    keys: named.filter((key) => !keys.has(key ?? "")),
    metrics: metrics.filter((name) => !formatMetricsTable().includes(`| \`${name}\` |`)),
    codes: codes.filter((code) => !Object.values<number>(ERROR_CODES).includes(code)),
  }, { paths: [], keys: [], metrics: [], codes: [] });
});

for (const command of new Set([...commandsOf(CHAPTER), ...commandsOf(TROUBLES)])) {
  Deno.test(`README: "headcni ${command}" is a command, with these options`, async () => {
    const words = command.split(/ +/);
    const { code, stdout, stderr } = await runProgram({ args: [...words, "--help"] });
    assertEquals([code, stderr], [0, ""]);
    const [subcommands = ""] = /^[a-z]+( [a-z]+)*(?= |$)/.exec(command) ?? [];
    assertStringIncludes(stdout, `Usage: headcni ${subcommands}`);
    const known = stdout.split(/[\s,=]+/);
    const options = words.filter((word) => word.startsWith("--"));
    assertEquals(options.filter((word) => !known.includes(word.split("=")[0] ?? "")), []);
  });
}

Deno.test("README: every command of the troubles runs", async () => {
  // What changes the machine itself, or judges it, is tried in tests/netns/, and what needs a tailnet
  // in tests/e2e/.
  const commands = commandsOf(TROUBLES)
    .filter((command) =>
      !/^uninstall|^connect-test|^diagnostics|^doctor|^daemon$|^mesh /.test(command)
    );
  assert(commands.length > 8);
  for (const command of commands) {
    await using node = await AdminNode.make();
    await node.seed([{ containerId: "c7", addresses: ["10.244.1.7/24"], netns: DEAD_NETNS }]);
    const { HEADCNI_CONFIG = "" } = node.env;
    await Deno.mkdir(HEADCNI_CONFIG.replace(/\/[^/]*$/, ""), { recursive: true });
    const logs = ["plugin", "daemon"].map((name) => `${node.root}/${name}.log`);
    for (const path of logs) await Deno.writeTextFile(path, "");
    await Deno.writeTextFile(HEADCNI_CONFIG, `logging: { file: { path: ${logs[1]} } }\n`);
    const outcome = await runProgram({ args: command.split(/ +/), env: node.env });
    assertEquals([command, outcome.code, outcome.stderr], [command, 0, ""]);
  }
});
