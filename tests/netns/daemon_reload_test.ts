/** Settings that change under a daemon that runs. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import {
  conflistPath,
  fileVersions,
  NODE_NAME,
  nodeSettings,
  settingsPath,
  TestDaemon,
  writeSettings,
} from "./daemon.ts";
import { assertReaches, assertWithin, InstalledPlugin } from "./installed_plugin.ts";
import { kernelAddresses, nodeTest, SUBNETS, type TestNode } from "./plugin.ts";
import { PrivateMounts } from "./private_mounts.ts";

const OTHER = { network: { podCIDR: { nodeLocal: "10.10.0.0/24,fd00:10::/64" } } };
const READ = { message: "Read the settings again" };
const KEPT = { level: "error", message: "Keep the settings as they were" };

/** Networks that rules of ours lead to the main table, and addresses of our bridge. */
async function seen(node: TestNode): Promise<string> {
  const rules = await Promise.all(["-4", "-6"].map((family) => node.host.ip(family, "rule")));
  const networks = rules.flat().flatMap(({ dst, dstlen }) => dst ? [`${dst}/${dstlen}`] : []);
  return [...networks, ...await kernelAddresses(node.host, "headcni0")].sort().join(" ");
}

nodeTest("daemon: follows another pod network, and old pods stay until they go", async (node) => {
  await using daemon = await TestDaemon.start(node);
  const plugin = await InstalledPlugin.read(node);
  const old = await node.makePod();
  const oldResult = await plugin.add(old);
  assertWithin(oldResult, "10.9.0.", "fd00:9:");
  const conflist = await Deno.readTextFile(conflistPath(node));

  await daemon.after(() => writeSettings(node, OTHER), { message: "Use 10.10.0.0/24" });
  await daemon.turned();
  assertStringIncludes(await Deno.readTextFile(plugin.subnetFile), "10.10.0.0/24");
  assertEquals(await Deno.readTextFile(conflistPath(node)), conflist, "it names no network");
  const pod = await node.makePod();
  const result = await plugin.add(pod);
  assertWithin(result, "10.10.0.", "fd00:10:");
  await assertReaches(pod, result);
  await assertReaches(old, oldResult);
  const networks = await seen(node);
  for (const still of ["10.9.0.0/24", "fd00:9::/64"]) assertStringIncludes(networks, still);
  await pod.run("ping", "-c", "1", "-W", "5", oldResult.ips?.[0]?.address.split("/")[0] ?? "");
  await plugin.del(old);

  await daemon.turned();
  assertEquals(
    await seen(node),
    "10.10.0.0/24 10.10.0.1/24 fd00:10::/64 fd00:10::1/64",
    "with its last pod the old network is gone",
  );
  const { podCidrs, reasons } = await daemon.status();
  assertEquals({ podCidrs, reasons }, { podCidrs: ["10.10.0.0/24", "fd00:10::/64"], reasons: [] });
  await plugin.del(pod);
});

nodeTest("daemon: reads its settings again when told by SIGHUP", async (node) => {
  await using daemon = await TestDaemon.start(node);
  await daemon.after(() => daemon.signal("SIGHUP"), READ);
  const files = await fileVersions(node);
  await daemon.turned();
  assertEquals(await fileVersions(node), files, "the same settings change nothing");
  // The file's change and the signal come together.
  await daemon.after(async () => {
    await writeSettings(node, OTHER);
    await daemon.signal("SIGHUP");
    await daemon.signal("SIGHUP");
  }, { message: "Use 10.10.0.0/24" });
  await daemon.turned();
  assertEquals(daemon.lines.filter(({ level }) => level === "error"), []);
});

nodeTest("daemon: follows a ConfigMap, whose files are replaced by one symlink", async (node) => {
  const folder = `${node.root}/map`;
  const version = async (name: string, changes = {}) => {
    await Deno.mkdir(`${folder}/..${name}`, { recursive: true });
    await Deno.writeTextFile(`${folder}/..${name}/daemon.yaml`, nodeSettings(node, changes));
    await Deno.symlink(`..${name}`, `${folder}/..data_tmp`);
    await Deno.rename(`${folder}/..data_tmp`, `${folder}/..data`);
  };
  await version("one");
  await Deno.symlink("..data/daemon.yaml", `${folder}/daemon.yaml`);
  await using daemon = await TestDaemon.start(node, { config: `${folder}/daemon.yaml` });
  await daemon.after(() => version("two", OTHER), { message: "Use 10.10.0.0/24" });
  await daemon.after(() => version("three"), { message: "Use 10.9.0.0/24" });
});

nodeTest("daemon: follows a settings file that was not there when it started", async (node) => {
  // Nobody names the file, so it is the usual one.
  await using mounts = await PrivateMounts.make("mount -t tmpfs hct /etc");
  const { root, dataDirectory, resultsDirectory, plugin } = node;
  const enter = [...mounts.enter, ...node.enter];
  const place = { root, dataDirectory, resultsDirectory, plugin, enter };
  await using daemon = await TestDaemon.start(place, {
    config: "",
    env: {
      NODE_NAME,
      NODE_POD_CIDR: SUBNETS[4],
      TAILSCALE_MODE: "off",
      CNI_CONF_DIR: `${root}/conf`,
      CNI_BIN_DIR: `${root}/bin`,
      MONITORING_ENABLED: "false",
      HEADCNI_KUBE_ACCESS: "off",
      HEADCNI_DATA_DIR: dataDirectory,
      HEADCNI_RUN_DIR: `${root}/run`,
      TAILSCALE_SOCKET_PATH: `${root}/tailscaled.sock`,
    },
  });
  const text = "network: {podCIDR: {nodeLocal: 10.10.0.0/24}}";
  await daemon.after(
    () => mounts.run(`mkdir /etc/headcni; echo '${text}' > /etc/headcni/daemon.yaml`),
    { message: "Use 10.10.0.0/24" },
  );
  const { message } = await daemon.after(
    () => mounts.run("echo > /etc/headcni/daemon.yaml"),
    KEPT,
  );
  assertStringIncludes(String(message), "1 fault");
});

nodeTest("daemon: settings that cannot be used change nothing", async (node) => {
  await using daemon = await TestDaemon.start(node);
  const files = await fileVersions(node);
  const before = await seen(node);
  await node.host.run("ip", "link", "set", "lo", "up");
  using taken = node.host.do(() => Deno.listen({ hostname: "127.0.0.1", port: 0 }));
  const { port } = taken.addr;
  const rejected: readonly (readonly [string, () => Promise<void>, string])[] = [
    ["no YAML", () => Deno.writeTextFile(settingsPath(node), "network: [oops\n"), "1 fault"],
    [
      "an unknown key",
      () => writeSettings(node, { ...OTHER, netwrok: { mtu: 1400 } }),
      "1 fault",
    ],
    [
      "another data directory",
      () => writeSettings(node, { ...OTHER, dataDir: `${node.root}/other` }),
      "Cannot change dataDir of a running daemon: restart it",
    ],
    [
      "a port that is taken",
      () => writeSettings(node, { ...OTHER, monitoring: { enabled: true, port } }),
      `Cannot listen on "127.0.0.1:${port}"`,
    ],
    ["an empty file", () => Deno.truncate(settingsPath(node)), "1 fault"],
    ["no file", () => Deno.remove(settingsPath(node)), "1 fault"],
  ];
  for (const [what, act, said] of rejected) {
    const { message } = await daemon.after(act, KEPT);
    assertStringIncludes(String(message), said, what);
    assertEquals((await daemon.ask("/readyz")).status, 200, what);
    assertEquals(await seen(node), before, what);
  }
  assertEquals(await fileVersions(node), files);
  await daemon.after(() => writeSettings(node, OTHER), { message: "Use 10.10.0.0/24" });
});

nodeTest("daemon: a reload that is rejected leaves the log as it was", async (node) => {
  await using daemon = await TestDaemon.start(node);
  await daemon.after(() =>
    writeSettings(node, {
      logging: { level: "error", format: "text" },
      dataDir: `${node.root}/other`,
    }), KEPT);
  await daemon.after(() => writeSettings(node, OTHER), READ);
});

nodeTest(
  "daemon: serves at another port and path, and looks after another folder",
  async (node) => {
    await using daemon = await TestDaemon.start(node);
    const port = 9123; // of the node, where nobody else listens
    await node.host.run("ip", "link", "set", "lo", "up");
    await daemon.after(() =>
      writeSettings(node, {
        cni: { confDir: `${node.root}/etc/cni/net.d`, conflistName: "07-own.conflist" },
        monitoring: { enabled: true, port, path: "/numbers" },
      }), { message: "Changed a network configuration" });
    const text = await node.host.run("curl", "-sf", `http://127.0.0.1:${port}/numbers`);
    assertStringIncludes(text, "headcni_build_info");
    assertEquals((await daemon.ask("/metrics")).status, 404);
    await daemon.turned();
    await daemon.mended(
      "conflist",
      () => Deno.remove(`${node.root}/etc/cni/net.d/07-own.conflist`),
    );
  },
);

nodeTest("daemon: pods get the MTU of an uplink that takes less than a tunnel", async (node) => {
  await node.host.run("ip", "link", "add", "up0", "mtu", "1200", "type", "veth", "peer", "up1");
  for (const link of ["up0", "up1"]) await node.host.run("ip", "link", "set", link, "up");
  await node.host.run("ip", "address", "add", "198.51.100.1/24", "dev", "up0");
  await node.host.run("ip", "route", "add", "default", "via", "198.51.100.254");
  const podCIDR = { nodeLocal: "10.9.0.0/24" };
  await using daemon = await TestDaemon.start(node, { settings: { network: { podCIDR } } });
  const { subnetFile } = await InstalledPlugin.read(node);
  const mtus = async () => {
    const [, told] = /^mtu: (\d+)$/m.exec(await Deno.readTextFile(subnetFile)) ?? [];
    const [bridge] = await node.host.ip("link", "show", "dev", "headcni0");
    return [Number(told), bridge?.mtu];
  };
  assertEquals(await mtus(), [1200, 1200]);
  await daemon.mended("bridge", () => node.host.run("ip", "link", "set", "up0", "mtu", "1500"));
  assertEquals(await mtus(), [1280, 1280]);
});
