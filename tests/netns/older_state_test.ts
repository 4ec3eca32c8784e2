/** Pods that the older plugin made: DEL by what it left, though its own plugin is gone. */
import { assertEquals } from "@std/assert";
import { exists } from "@std/fs";
import { nodeTest, SUBNETS, type TestNode } from "./plugin.ts";
import { printFailure, ShellPlugins } from "../fakes/shell_plugins.ts";

/** How the older plugin called the one that it delegated to. */
const DELEGATE = { cniVersion: "0.4.0", name: "cbr0", type: "old-bridge", mtu: 1400 };

async function makeOld(node: TestNode, files: Readonly<Record<string, unknown>>) {
  const directory = `${node.root}/older`;
  await Deno.mkdir(directory, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    const text = typeof content === "string" ? content : JSON.stringify(content);
    await Deno.writeTextFile(`${directory}/${name}`, text);
  }
  return directory;
}

function today(dataDir: string) {
  const ipam = { type: "headcni-ipam", subnet: SUBNETS[4] };
  return { cniVersion: "1.0.0", name: "pods", type: "headcni", dataDir, ipam };
}

nodeTest(
  "older state: a delegate is undone by its saved configuration, and forgotten then",
  async (node) => {
    const pod = await node.makePod();
    const dataDir = await makeOld(node, { [pod.name]: DELEGATE });
    const shell = await ShellPlugins.make(node, { "old-bridge": { DEL: printFailure(41, "no") } });
    const env = { CNI_PATH: shell.path };
    await node.fail({ verb: "DEL", pod, config: today(dataDir), env }, 41);
    assertEquals(await exists(`${dataDir}/${pod.name}`), true);
    await ShellPlugins.make(node, { "old-bridge": {} });
    await shell.takeCalls();
    await node.del(pod, today(dataDir), env);
    const calls = await shell.takeCalls();
    assertEquals(calls.map(({ verb, config }) => [verb, config]), [["DEL", DELEGATE]]);
    assertEquals(await exists(`${dataDir}/${pod.name}`), false);
    await node.del(pod, today(dataDir), env);
    assertEquals(await shell.takeCalls(), []);
  },
);

nodeTest("older state: a chain is undone in reverse", async (node) => {
  const pod = await node.makePod();
  const dataDir = await makeOld(node, {
    [`${pod.name}-plugin-0`]: {
      index: 0,
      type: "headcni",
      config: { type: "headcni", delegate: {} },
    },
    [`${pod.name}-delegate`]: DELEGATE,
    [`${pod.name}-plugin-1`]: { index: 1, type: "portmap2", config: { type: "portmap2" } },
  });
  const shell = await ShellPlugins.make(node, { "old-bridge": {}, portmap2: {} });
  await node.del(pod, today(dataDir), { CNI_PATH: shell.path });
  const calls = await shell.takeCalls();
  assertEquals(calls.map(({ verb, type }) => `${verb} ${type}`), [
    "DEL portmap2",
    "DEL old-bridge",
  ]);
  assertEquals(calls[0]?.config, { type: "portmap2", name: "pods", cniVersion: "1.0.0" });
  const left = Array.from(Deno.readDirSync(dataDir), ({ name }) => name);
  assertEquals(left.filter((name) => name.startsWith(pod.name)), []);
});

nodeTest("older state: a file that nobody can read keeps no pod from going", async (node) => {
  const pod = await node.makePod();
  const dataDir = await makeOld(node, { [pod.name]: "{ half" });
  await node.del(pod, today(dataDir));
  assertEquals(await exists(`${dataDir}/${pod.name}`), true);
});
