/** All that is ours on a node as one file, and back, on a node on which nobody installed anything. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { EMPTY_MEMORY, formatMemory } from "../../lib/mesh/memory.ts";
import { planConflist } from "../../lib/node/conflist.ts";
import { AdminNode } from "./admin_node.ts";

const LEASE = { containerId: "c7", addresses: ["10.244.0.7/24"] };
const LAST = {
  version: 1,
  nodeName: "worker-1",
  source: "config",
  origin: "network.podCIDR.nodeLocal",
  since: "2026-11-27T07:07:29.585Z",
  cidrs: ["10.244.0.0/24"],
};

/** A node with a lease, settings and a network configuration. */
async function makeNode(settings = ""): Promise<AdminNode> {
  const node = await AdminNode.make();
  await node.seed([LEASE]);
  for (const folder of ["etc/headcni", "net.d"]) {
    await Deno.mkdir(`${node.root}/${folder}`, { recursive: true });
  }
  const text = `cni: { confDir: ${node.root}/net.d }\n${settings}`;
  await Deno.writeTextFile(`${node.root}/etc/headcni/daemon.yaml`, text, { mode: 0o600 });
  await Deno.writeTextFile(
    `${node.root}/net.d/05-headcni.conflist`,
    JSON.stringify(planConflist({})),
  );
  await Deno.writeTextFile(`${node.root}/data/pod-cidr.json`, JSON.stringify(LAST));
  return node;
}

/** Files of ours that a person looks at, by their path below the root. */
function filesOf({ root }: AdminNode): Record<string, string> {
  const paths = ["etc/headcni/daemon.yaml", "net.d/05-headcni.conflist", "data/pod-cidr.json"];
  return Object.fromEntries(paths.map((path) => [path, Deno.readTextFileSync(`${root}/${path}`)]));
}

Deno.test("headcni backup, restore: files and leases come back on a node that has lost all", async () => {
  await using node = await makeNode();
  const file = `${node.root}/backup.json`;
  const leases = (await node.run("ipam", "ls", "--output", "json")).stdout;
  const before = filesOf(node);
  assertEquals(await node.run("backup", "--output-file", file), {
    code: 0,
    stdout: "",
    stderr: "",
  });
  assertEquals((Deno.statSync(file).mode ?? 0) & 0o777, 0o600);
  const again = await node.run("backup", "--output-file", file);
  assertEquals([again.code, again.stdout], [1, ""]);
  for (const folder of ["etc", "net.d", "data", "run"]) {
    await Deno.remove(`${node.root}/${folder}`, { recursive: true });
  }

  const planned = await node.run("restore", "--input-file", file, "--dry-run");
  assertEquals([planned.code, planned.stderr], [0, ""]);
  assertStringIncludes(planned.stdout, "Leases: 1 new, 0 there already.");
  const names = Array.from(Deno.readDirSync(node.root), ({ name }) => name).sort();
  assertEquals(names.filter((name) => name !== "plugin.log"), ["backup.json"]);

  const done = await node.run("restore", "--input-file", file, "--output", "json");
  assertEquals([done.code, done.stderr], [0, ""]);
  assertEquals(filesOf(node), before);
  assertEquals((Deno.statSync(`${node.root}/data`).mode ?? 0) & 0o777, 0o700);
  const settings = `${node.root}/etc/headcni/daemon.yaml`;
  assertEquals((Deno.statSync(settings).mode ?? 0) & 0o777, 0o600);
  assertEquals((await node.run("ipam", "ls", "--output", "json")).stdout, leases);
  const { files, addresses } = JSON.parse(
    (await node.run(
      ...["restore", "--input-file", file, "--output", "json"],
    )).stdout,
  );
  assertEquals([files, addresses], [[], { imported: 0, present: 1 }]);
});

Deno.test("headcni restore: a file that is another one is shown, and only replaced by force", async () => {
  await using node = await makeNode("network: { mtu: 1400 }\n");
  const file = `${node.root}/backup.json`;
  await node.run("backup", "--output-file", file);
  const before = filesOf(node);
  const settings = `${node.root}/etc/headcni/daemon.yaml`;
  const other = `cni: { confDir: ${node.root}/net.d }\nnetwork: { mtu: 1300 }\n`;
  await Deno.writeTextFile(settings, other);
  const shown = await node.run("restore", "--input-file", file, "--dry-run");
  assertStringIncludes(
    shown.stdout,
    "daemon.yaml: replaced\n  - network: { mtu: 1300 }\n  + network: { mtu: 1400 }\n",
  );
  const refused = await node.run("restore", "--input-file", file);
  assertEquals([refused.code, refused.stdout], [2, ""]);
  assertStringIncludes(refused.stderr, "--force replaces it");
  assertEquals(await Deno.readTextFile(settings), other);
  assertEquals((await node.run("restore", "--input-file", file, "--force")).code, 0);
  assertEquals(filesOf(node), before);
});

Deno.test("headcni restore: another owner of an address is told, and nothing is written", async () => {
  await using node = await makeNode();
  const file = `${node.root}/backup.json`;
  await node.run("backup", "--output-file", file);
  await node.release("c7");
  await node.seed([{ ...LEASE, containerId: "c8" }]);
  await Deno.remove(`${node.root}/data/pod-cidr.json`);
  const { code, stdout, stderr } = await node.run("restore", "--input-file", file);
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, "10.244.0.7 belongs to");
  const names = Array.from(Deno.readDirSync(`${node.root}/data`), ({ name }) => name);
  assertEquals(names.includes("pod-cidr.json"), false);
});

Deno.test("headcni restore: what is of another node, or no memory of the daemon, is refused", async () => {
  await using node = await makeNode();
  const file = `${node.root}/backup.json`;
  const memory = { path: `${node.root}/data/mesh.json`, text: formatMemory(EMPTY_MEMORY) };
  await Deno.writeTextFile(memory.path, memory.text);
  await node.run("backup", "--output-file", file);
  const backup = JSON.parse(await Deno.readTextFile(file));
  assertEquals(backup.mesh, memory);
  const before = filesOf(node);
  const bad: readonly (readonly [change: unknown, text: string])[] = [
    [{ kind: "other" }, "it is no backup of HeadCNI"],
    [{ format: 2 }, "in format 2"],
    [{ mesh: { path: "/etc/cron.d/job", text: "x" } }, 'mesh of "/etc/cron.d/job"'],
    [{ conflists: [{ path: "/etc/x", text: "{}" }] }, "where none of ours is"],
    [{ mesh: { ...memory, text: "{" } }, `Cannot restore "${memory.path}"`],
    [{ lastPodCidr: { ...backup.lastPodCidr, text: "{" } }, "no JSON"],
  ];
  for (const [change, text] of bad) {
    await Deno.writeTextFile(file, JSON.stringify({ ...backup, ...change as object }));
    const { code, stdout, stderr } = await node.run("restore", "--input-file", file, "--force");
    assertEquals([code, stdout], [2, ""], stderr);
    assertStringIncludes(stderr, text);
    assertEquals(filesOf(node), before);
  }
});

Deno.test("headcni backup: a key in the text of the settings is refused, its file is only named", async () => {
  await using other = await makeNode("headscale: { authKey: hskey-api-secret }\n");
  const refused = await other.run("backup", "--output-file", "-");
  assertEquals([refused.code, refused.stdout], [2, ""]);
  assertStringIncludes(refused.stderr, "name that by headscale.authKeyFile");
  await using node = await makeNode("tailscale: { authKey: hskey-auth-secret }\n");
  const file = `${node.root}/backup.json`;
  const { code, stdout, stderr } = await node.run("backup", "--output-file", file);
  assertEquals([code, stdout], [2, ""]);
  assertStringIncludes(stderr, "name that by tailscale.authKeyFile");
  assertEquals(stderr.includes("hskey"), false);
  node.env.TAILSCALE_AUTH_KEY = "hskey-auth-other";
  assertEquals((await node.run("backup", "--output-file", file)).code, 2);
  delete node.env.TAILSCALE_AUTH_KEY;
  await Deno.writeTextFile(`${node.root}/key`, "hskey-auth-secret");
  const text = `tailscale: { authKeyFile: ${node.root}/key }\n`;
  await Deno.writeTextFile(`${node.root}/etc/headcni/daemon.yaml`, text);
  const printed = await node.run("backup", "--output-file", "-");
  assertEquals([printed.code, printed.stdout.includes("hskey")], [0, false]);
  assertEquals(JSON.parse(printed.stdout).settings.text, text);
});
