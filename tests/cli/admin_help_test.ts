/** Help texts of the administrator's commands, and that the examples in them work. */
import { assert, assertEquals } from "@std/assert";
import { VERSION } from "../../lib/version.ts";
import { AdminNode, DEAD_NETNS } from "./admin_node.ts";
import { FakeDaemon } from "./fake_daemon.ts";
import { assertGolden } from "./golden.ts";

const VERBS = ["ls", "show", "stats", "check", "gc", "release", "import", "export"];
const CONFIG_VERBS = ["validate", "show", "explain"];
const WITH_EXAMPLES = [
  ...["status", "stats", "logs", "metrics", "completion", "version"].map((name) => [name]),
  ...VERBS.map((verb) => ["ipam", verb]),
  ...CONFIG_VERBS.map((verb) => ["config", verb]),
  ["backup"],
];
const CLUSTER_VERBS = ["install", "status", "upgrade", "uninstall"];
const PLAIN = ["ipam", "config", "connect-test", "diagnostics", "cluster"];
/** What they do is tried on machines of their own, in tests/netns/. */
const OF_MACHINES = ["install", "upgrade", "uninstall", "restore"];
const COMMANDS = [
  [],
  ...[...PLAIN, ...OF_MACHINES].map((name) => [name]),
  ...WITH_EXAMPLES,
  ...CLUSTER_VERBS.map((verb) => ["cluster", verb]),
];

for (const command of COMMANDS) {
  const name = ["help", ...command].join("-");
  Deno.test(`headcni ${[...command, "--help"].join(" ")}: prints the help`, async () => {
    await using node = await AdminNode.make();
    const asked = await node.run(...command, "--help");
    assertEquals([asked.code, asked.stderr], [0, ""]);
    await assertGolden(name, asked.stdout, { RELEASE: VERSION });
    if (command.length <= 1) assertEquals(await node.run("help", ...command), asked);
  });
}

for (const command of ["ipam", "config", "cluster"]) {
  Deno.test(`headcni ${command}: without a verb its help is an answer to a mistake`, async () => {
    await using node = await AdminNode.make();
    const { code, stdout, stderr } = await node.run(command);
    assertEquals([code, stdout, stderr], [2, "", (await node.run(command, "--help")).stdout]);
  });
}

/** Commands behind `Examples:`, lines that go on joined. */
function examplesOf(help: string): string[] {
  const [, examples = ""] = help.split(/\nExamples?:\n/);
  return examples.replaceAll(/ \\\n\s+/g, " ").split("\n")
    .map((line) => line.trim()).filter((line) => line !== "");
}

for (const verb of WITH_EXAMPLES) {
  Deno.test(`headcni ${verb.join(" ")}: the examples of its help work`, async () => {
    await using bare = await AdminNode.make();
    const examples = examplesOf((await bare.run(...verb, "--help")).stdout);
    assert(examples.length > 0);
    for (const example of examples) {
      await using node = await AdminNode.make();
      await prepare(node);
      await using _daemon = await FakeDaemon.serve(`${node.root}/run/daemon.sock`);
      // What stands behind it is another program.
      const [command = ""] = example.split(/ (?:\||&&) /);
      if (command.includes("--from export")) await exportFile(node);
      const [program, ...args] = command.split(" ");
      assertEquals(program, "headcni");
      const outcome = await node.run(...args.map((arg) => placeIn(node, arg)));
      assertEquals([outcome.code, outcome.stderr], [0, ""], example);
    }
  });
}

/** What the examples name. */
async function prepare(node: AdminNode): Promise<void> {
  const pod = { namespace: "default", name: "web-0" };
  await node.seed([
    { containerId: "c7", addresses: ["10.244.0.7/24"], pod, netns: DEAD_NETNS },
  ], `${node.root}/var/lib/headcni`);
  await Deno.symlink(`${node.root}/var/lib/headcni`, `${node.root}/data`);
  await Deno.mkdir(`${node.root}/root`);
  await Deno.mkdir(`${node.root}/var/lib/cni/networks/pods`, { recursive: true });
  await Deno.writeTextFile(`${node.root}/var/lib/cni/networks/pods/10.244.0.9`, "c9\r\neth0");
  await Deno.mkdir(`${node.root}/etc/headcni`, { recursive: true });
  const log = { file: { path: `${node.root}/daemon.log` } };
  await Deno.writeTextFile(
    `${node.root}/etc/headcni/daemon.yaml`,
    JSON.stringify({ network: { mtu: 1400 }, logging: log }),
  );
  for (const name of ["daemon.log", "plugin.log"]) {
    await Deno.writeTextFile(`${node.root}/${name}`, "a line\n");
  }
  await Deno.mkdir(`${node.root}/etc/cni/net.d`, { recursive: true });
  await Deno.writeTextFile(
    `${node.root}/etc/cni/net.d/10-pods.conflist`,
    JSON.stringify({ name: "pods", plugins: [{ ipam: { subnet: "10.244.0.0/24" } }] }),
  );
}

/** The file that an earlier example wrote. */
async function exportFile(node: AdminNode): Promise<void> {
  const file = placeIn(node, "/root/addresses.json");
  assertEquals((await node.run("ipam", "export", "--file", file)).code, 0);
}

/** Absolute paths as if the folder of the test were the root of the file system. */
function placeIn(node: AdminNode, arg: string): string {
  return arg.startsWith("/") ? node.root + arg : arg;
}
