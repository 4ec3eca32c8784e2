/** What others do to the node, and the daemon mends: each within an event, or a resync where none comes. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { conflistPath, fileVersions, TestDaemon } from "./daemon.ts";
import { assertReaches, InstalledPlugin } from "./installed_plugin.ts";
import { assertSameLines, network, nodeTest, type TestNode } from "./plugin.ts";

/** A way to spoil something, and the kind of repair that follows. */
interface Damage {
  readonly kind: string;
  readonly what: string;
  readonly act: (node: TestNode) => Promise<unknown>;
}

const FILES: readonly Damage[] = [
  { kind: "conflist", what: "deleted", act: (node) => Deno.remove(conflistPath(node)) },
  {
    kind: "conflist",
    what: "edited",
    act: async (node) => {
      const text = await Deno.readTextFile(conflistPath(node));
      await Deno.writeTextFile(conflistPath(node), text.replace("headcni-ipam", "host-local"));
    },
  },
  { kind: "conflist", what: "emptied", act: (node) => Deno.truncate(conflistPath(node)) },
  {
    kind: "conflist",
    what: "a symlink to another's in its place",
    act: async (node) => {
      const other = `${node.root}/other.conflist`;
      await Deno.writeTextFile(other, '{"name": "other", "plugins": [{"type": "bridge"}]}');
      await Deno.remove(conflistPath(node));
      await Deno.symlink(other, conflistPath(node));
    },
  },
  {
    kind: "conflist",
    what: "a symlink that leads nowhere in its place",
    act: async (node) => {
      await Deno.remove(conflistPath(node));
      await Deno.symlink("/nonexistent/x", conflistPath(node));
    },
  },
  {
    kind: "conflist",
    what: "a folder in its place",
    act: async (node) => {
      await Deno.remove(conflistPath(node));
      await Deno.mkdir(`${conflistPath(node)}/with`, { recursive: true });
    },
  },
  {
    kind: "conflist",
    what: "the whole folder replaced",
    act: async (node) => {
      await Deno.rename(`${node.root}/conf`, `${node.root}/gone-${crypto.randomUUID()}`);
      await Deno.mkdir(`${node.root}/conf`);
    },
  },
  {
    kind: "conflist",
    what: "the whole folder removed",
    act: (node) => Deno.remove(`${node.root}/conf`, { recursive: true }),
  },
];

nodeTest("daemon: its conflist comes back, whatever happens to it", async (node) => {
  await using daemon = await TestDaemon.start(node);
  const wanted = await Deno.readTextFile(conflistPath(node));
  for (const { kind, what, act } of FILES) {
    const repairs = await daemon.metric(`headcni_repairs_total{kind="${kind}"}`);
    await daemon.mended(kind, () => act(node));
    assertEquals(await Deno.readTextFile(conflistPath(node)), wanted, what);
    const { isFile, mode } = await Deno.lstat(conflistPath(node));
    assertEquals({ isFile, mode: (mode ?? 0) & 0o777 }, { isFile: true, mode: 0o600 }, what);
    assert(await daemon.metric(`headcni_repairs_total{kind="${kind}"}`) > repairs, what);
    await daemon.turned();
    assertEquals((await daemon.ask("/readyz")).text, "ok\n", what);
  }
});

nodeTest(
  "daemon: a configuration of others that comes before ours is moved aside",
  async (node) => {
    await using daemon = await TestDaemon.start(node);
    const text = '{"cniVersion": "1.0.0", "name": "cbr0", "plugins": [{"type": "flannel"}]}';
    const [other, later] = [`${node.root}/conf/00-flannel.conflist`, `${node.root}/conf/10-x.conf`];
    await Deno.writeTextFile(later, text);
    await daemon.mended("conflist", () => Deno.writeTextFile(other, text));
    await daemon.turned();
    const names = Array.from(Deno.readDirSync(`${node.root}/conf`), ({ name }) => name).sort();
    assertEquals(names, [
      "00-flannel.conflist.headcni-moved-1",
      "05-headcni.conflist",
      "10-x.conf",
    ]);
    assertEquals(await Deno.readTextFile(`${other}.headcni-moved-1`), text);
  },
);

nodeTest("daemon: executables and subnet file come back", async (node) => {
  await using daemon = await TestDaemon.start(node, { settings: { resyncInterval: "1s" } });
  const plugin = await InstalledPlugin.read(node);
  const text = await Deno.readTextFile(plugin.subnetFile);
  await daemon.mended("executable", () => Deno.remove(`${node.root}/bin/headcni`));
  await daemon.mended(
    "executable",
    () => Deno.writeTextFile(`${node.root}/bin/headcni`, "#!/bin/sh\nexit 1\n"),
  );
  await daemon.mended("subnet_file", () => Deno.writeTextFile(plugin.subnetFile, "half"));
  assertEquals(await Deno.readTextFile(plugin.subnetFile), text);
  const pod = await node.makePod();
  await assertReaches(pod, await plugin.add(pod));
});

/** Damages in the words of who does them; the kernel tells of all but the sysctl. */
const COMMANDS: readonly (readonly [kind: string, ...command: readonly string[]])[] = [
  ["masquerade", "nft", "flush", "table", "inet", "headcni"],
  ["masquerade", "nft", "delete", "table", "inet", "headcni"],
  ["rule", "ip", "rule", "delete", "to", "10.9.0.0/24"],
  ["rule", "ip", "-6", "rule", "delete", "to", "fd00:9::/64"],
  ["bridge", "ip", "link", "set", "headcni0", "down"],
  ["bridge", "ip", "link", "set", "headcni0", "mtu", "1400"],
  ["bridge_address", "ip", "address", "delete", "10.9.0.1/24", "dev", "headcni0"],
  ["bridge_address", "ip", "-6", "address", "delete", "fd00:9::1/64", "dev", "headcni0"],
  ["bridge", "ip", "link", "delete", "headcni0"],
  ["sysctl", "sysctl", "-qw", "net.ipv4.ip_forward=0"],
  ["sysctl", "sysctl", "-qw", "net.ipv6.conf.all.forwarding=0"],
];

nodeTest("daemon: the datapath comes back, and pods with it", async (node) => {
  await using daemon = await TestDaemon.start(node, { settings: { resyncInterval: "1s" } });
  const plugin = await InstalledPlugin.read(node);
  const pod = await node.makePod();
  const result = await plugin.add(pod);
  await daemon.turned();
  const [before, files] = [await hostText(node), await fileVersions(node)];
  for (const [kind, ...command] of COMMANDS) {
    const what = command.join(" ");
    const repairs = await daemon.metric(`headcni_repairs_total{kind="${kind}"}`);
    await daemon.mended(kind, () => node.host.run(...command));
    assert(await daemon.metric(`headcni_repairs_total{kind="${kind}"}`) > repairs, what);
    await daemon.turned();
    assertEquals((await daemon.ask("/readyz")).text, "ok\n", what);
    await assertReaches(pod, result);
    await plugin.check(pod, result);
    assertSameLines(await hostText(node), before, what);
  }
  assertEquals(await fileVersions(node), files, "no file had to be written for it");
  await plugin.del(pod);
});

nodeTest("daemon: what it cannot mend is told, and stops nothing else", async (node) => {
  await using daemon = await TestDaemon.start(node);
  // A link that is no bridge has the name of ours.
  await daemon.after(async () => {
    await node.host.run("ip", "link", "delete", "headcni0");
    await node.host.run("ip", "link", "add", "headcni0", "type", "veth", "peer", "name", "x0");
  }, { message: "The node is not ready" });
  await daemon.mended("conflist", () => Deno.remove(conflistPath(node)));
  const { text, status } = await daemon.ask("/readyz");
  assertEquals(status, 503);
  assertStringIncludes(text, "headcni0");
  assert(await daemon.metric("headcni_repair_failures_total") > 0);
  await daemon.after(
    () => node.host.run("ip", "link", "delete", "headcni0"),
    { message: "The node is ready" },
  );
});

/** What the node holds, without numbers that the kernel gives to what is made anew. */
async function hostText(node: TestNode): Promise<string> {
  return (await node.host.snapshot()).replaceAll(/,?"(handle|ifindex|link_index)":\d+/g, "");
}

nodeTest("daemon: a network that comes after the pods takes nothing from them", async (node) => {
  await using daemon = await TestDaemon.start(node);
  await node.host.run("ip", "link", "set", "lo", "up");
  await node.host.run("ip", "route", "add", "10.0.0.0/8", "dev", "lo", "scope", "link");
  await daemon.mended("rule", () => node.host.run("ip", "rule", "delete", "priority", "5100"));
  const { reasons } = await daemon.status();
  assertEquals(reasons, []);
});

nodeTest("daemon: a store of others that cannot be read stops nothing else", async (node) => {
  const other = `${node.root}/other`;
  const pod = await node.makePod();
  const config = network({ name: "other", bridge: "other0", dataDir: other }, [4]);
  await node.add(pod, { ...config, ipam: { type: "headcni-ipam", subnet: "10.77.0.0/24" } });
  await Deno.rename(`${other}/state.kv`, `${other}/kept`);
  await Deno.mkdir(`${other}/state.kv`);
  await using daemon = await TestDaemon.spawn(node, { settings: { resyncInterval: "1s" } });
  await daemon.saw({ message: "The node is not ready" });
  assertStringIncludes(JSON.stringify((await daemon.status()).reasons), `${other}/state.kv`);
  const plugin = await InstalledPlugin.read(node);
  const mine = await node.makePod();
  await assertReaches(mine, await plugin.add(mine));
  await plugin.del(mine);
  await Deno.remove(`${other}/state.kv`);
  await Deno.rename(`${other}/kept`, `${other}/state.kv`);
  await daemon.saw({ message: "The node is ready" });
});
