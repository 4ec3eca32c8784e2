/** The daemon holds stores open that belong to the plugins: neither is in the way of the other. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { conflistPath, READY, TestDaemon } from "./daemon.ts";
import { assertReaches, InstalledPlugin } from "./installed_plugin.ts";
import { nodeTest, type TestNode } from "./plugin.ts";

const RESYNC = { resyncInterval: "1s" };

/** Paths of the database of the node. */
function databaseFiles({ dataDirectory }: TestNode): string[] {
  return Array.from(Deno.readDirSync(dataDirectory), ({ name }) => name)
    .filter((name) => name.startsWith("state.kv")).map((name) => `${dataDirectory}/${name}`);
}

nodeTest("daemon: a store that is made anew is used anew", async (node) => {
  await using daemon = await TestDaemon.start(node, { settings: RESYNC });
  const plugin = await InstalledPlugin.read(node);
  const old = await node.makePod();
  await plugin.add(old);
  await daemon.turned();
  for (const path of databaseFiles(node)) await Deno.remove(path);
  const pod = await node.makePod();
  const result = await plugin.add(pod);
  // The first turn may find that its store is another's by now.
  for (let round = 0; round < 2; round++) await daemon.turned();
  assertEquals((await daemon.ask("/readyz")).text, "ok\n");
  await assertReaches(pod, result);
  await plugin.del(pod);
  await plugin.del(old);
});

nodeTest("daemon: a damaged store keeps the node from nothing that mends it", async (node) => {
  const first = await TestDaemon.start(node);
  const plugin = await InstalledPlugin.read(node);
  const pod = await node.makePod();
  const result = await plugin.add(pod);
  await first.end("SIGKILL");
  for (const path of databaseFiles(node)) await Deno.writeTextFile(path, "no database at all");
  await Deno.remove(conflistPath(node));
  await using daemon = await TestDaemon.spawn(node, { settings: RESYNC });
  // Without it no pod would come, and with none nobody would make the store anew.
  await daemon.saw({ message: "Mended the node", kind: "conflist" });
  await daemon.saw({ message: "The node is not ready" });
  assertStringIncludes((await daemon.ask("/readyz")).text, "Cannot open the store");
  const other = await node.makePod();
  await daemon.after(() => plugin.addMending(other), READY);
  await daemon.mended("rule", () => node.host.run("ip", "rule", "delete", "to", "10.9.0.0/24"));
  await assertReaches(pod, result);
  await plugin.del(other);
  await plugin.del(pod);
});

nodeTest("daemon: why no pod can come is what STATUS answers", async (node) => {
  await using first = await TestDaemon.start(node);
  const plugin = await InstalledPlugin.read(node);
  await plugin.status();
  await first.end("SIGTERM");
  await Deno.remove(`${node.dataDirectory}/pod-cidr.json`);
  await using second = await TestDaemon.spawn(node, { settings: { network: { podCIDR: {} } } });
  await second.saw({ message: "The node is not ready" });
  assertStringIncludes(await plugin.failStatus(), "no network for the pods of this node");
  await second.end("SIGTERM");
  await plugin.status(); // nobody would ever take back what the daemon said last
});
