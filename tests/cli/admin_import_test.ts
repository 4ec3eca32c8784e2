/** `headcni ipam import` and `export`: from host-local to us without a restart, and from us to us. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { withHostLocal } from "../../commands/admin/ipam/read_host_local.ts";
import { parseAddress } from "../../lib/net/address.ts";
import { restoreSticky } from "../../lib/store/sticky.ts";
import { pause } from "../../lib/pause.ts";
import { writeCachedResult } from "../fakes/cached_result.ts";
import { bootId, netns, uptimeMs } from "../../lib/platform.ts";
import { AdminNode, DEAD_NETNS, LIVE_NETNS } from "./admin_node.ts";
import { assertGolden } from "./golden.ts";
import { HostLocal, missingHostLocal } from "./host_local.ts";
import { addressesOf, answerOf, callEnvironment, configText, type IpamCall } from "./ipam_node.ts";
import { runProgram } from "./program.ts";

const CONFIG = {
  cniVersion: "1.0.0",
  name: "pods",
  type: "bridge",
  ipam: { ranges: [[{ subnet: "10.244.0.0/24" }], [{ subnet: "fd00:10::/64" }]] },
};

/** Runs a command on a terminal: script(1). */
const TERMINAL = ["sh", "-c", 'exec script -qec "$*" /dev/null', "sh"];

const missing = missingHostLocal();

Deno.test({
  name: `headcni ipam import: host-local's pods become ours, and its sequence goes on ${missing}`,
  ignore: missing !== "",
  async fn() {
    await using node = await AdminNode.make();
    const hostLocal = new HostLocal(`${node.root}/networks`, "pods");
    const path = `${node.root}/networks/pods`;
    for (const containerId of ["c1", "c2", "c3"]) await hostLocal.call(call("ADD", containerId));
    await hostLocal.call(call("DEL", "c2"));
    await writeResult(node, "c1");
    const config = `${node.root}/pods.conflist`;
    await Deno.writeTextFile(config, JSON.stringify({ name: "pods", plugins: [CONFIG] }));
    const args = ["ipam", "import", "--from", "host-local", path, "--config", config];
    const imported = await node.run(...args);
    assertEquals(imported.code, 0);
    await assertGolden("ipam-import", imported.stdout + imported.stderr, { ROOT: node.root });
    const again = JSON.parse((await node.run(...args, "-o", "json")).stdout);
    assertEquals([again.imported, again.present], [0, 2]);
    const shown = JSON.parse((await node.run("ipam", "show", "shop/db-0", "-o", "json")).stdout);
    const [lease] = shown.leases;
    assertEquals([lease.containerId, lease.netns, lease.isOfThisBoot], ["c1", LIVE_NETNS, true]);
    assertEquals(lease.addresses, [
      { address: "10.244.0.2/24", gateway: "10.244.0.1" },
      { address: "fd00:10::2/64", gateway: "fd00:10::1" },
    ]);
    assertEquals((await node.run("ipam", "check")).code, 0);
    const next = addressesOf(answerOf(await callOurs(node, call("ADD", "c4"))));
    assertEquals(next, addressesOf(answerOf(await hostLocal.call(call("ADD", "c4")))));
    assertEquals(next, ["10.244.0.5/24", "fd00:10::5/64"]);
    assertEquals((await callOurs(node, call("DEL", "c1"))).code, 0);
    assertEquals(await containers(node), ["c3", "c4"]);
  },
});

Deno.test("headcni ipam import: without result and configuration an address stands for itself", async () => {
  await using node = await AdminNode.make();
  const path = await makeState(node, {
    "10.244.0.2": "c1\r\neth0",
    "10.244.0.3": "",
    "fd00:10::2": "c1\r\neth0",
    "10.244.0.4": "c2",
    "last_reserved_ip.0": "10.244.0.4",
    "lock": "",
  });
  const { code, stdout } = await node.run("ipam", "import", "--from", "host-local", path);
  assertEquals(code, 0);
  await assertGolden("ipam-import-bare", stdout, { ROOT: node.root });
  const { leases } = JSON.parse((await node.run("ipam", "ls", "-o", "json")).stdout);
  assertEquals(
    leases.map(({ containerId, ifname, addresses }: Record<string, unknown>) => ({
      ...{ containerId, ifname, addresses },
    })),
    [
      {
        ...{ containerId: "c1", ifname: "eth0" },
        addresses: [{ address: "10.244.0.2/32" }, { address: "fd00:10::2/128" }],
      },
      { containerId: "c2", ifname: "eth0", addresses: [{ address: "10.244.0.4/32" }] },
    ],
  );
});

Deno.test("headcni ipam import: tells all conflicts and writes nothing", async () => {
  await using node = await AdminNode.make();
  await node.seed([
    { containerId: "ours", addresses: ["10.244.0.2/24"] },
    { containerId: "c2", addresses: ["10.244.0.20/24"] },
  ]);
  const path = await makeState(node, {
    "10.244.0.2": "c1\r\neth0",
    "10.244.0.3": "c2\r\neth0",
    "10.244.0.4": "c3\r\neth0",
  });
  const { code, stdout, stderr } = await node.run("ipam", "import", "--from", "host-local", path);
  assertEquals([code, stdout], [1, ""]);
  await assertGolden("ipam-import-conflicts", stderr, { ROOT: node.root });
  assertEquals(await containers(node), ["ours", "c2"]);
});

const faults: readonly [name: string, files: Readonly<Record<string, string>>, config?: unknown][] =
  [
    ["files", {
      "10.244.0.2": "../etc\r\neth0",
      "10.244.0.3": "c3\r\na name too long for an interface",
      "10.244.0.4": "c4\r\neth0",
      "last_reserved_ip.0": "no address",
      "notes.txt": "c5",
    }],
    ["folder", { "pods/10.244.0.2": "c1\r\neth0" }],
    ["config-name", { "10.244.0.2": "c1\r\neth0" }, { name: "other", ipam: {} }],
    ["config-ipam", { "10.244.0.2": "c1\r\neth0" }, { name: "pods", plugins: [{}] }],
    ["config-shape", { "10.244.0.2": "c1\r\neth0" }, { name: 1, plugins: {} }],
    ["config-range", { "10.244.0.2": "c1\r\neth0" }, {
      name: "pods",
      ipam: { subnet: "10.0.0.1/8" },
    }],
    ["config-json", { "10.244.0.2": "c1\r\neth0" }, "{"],
  ];

Deno.test("headcni ipam import: pods of this boot are ours until it ends, those that are gone are not", async () => {
  await using node = await AdminNode.make();
  const path = await makeState(node, {
    "10.244.0.2": "c1\r\neth0",
    "10.244.0.3": "c2\r\neth0",
    "10.244.0.4": "c3\r\neth0",
  });
  await writeResult(node, "c1");
  await writeResult(node, "c2", DEAD_NETNS);
  const { code, stdout } = await node.run("ipam", "import", "--from", "host-local", path);
  assertEquals(code, 0);
  await assertGolden("ipam-import-gone", stdout, { ROOT: node.root });
  const { leases } = JSON.parse((await node.run("ipam", "ls", "-o", "json")).stdout);
  const made = { bootId: bootId(), hostNetns: netns() };
  assertEquals(
    leases.map(({ containerId, netns, bootId, hostNetns }: Record<string, unknown>) => ({
      ...{ containerId, netns, bootId, hostNetns },
    })),
    [{ containerId: "c1", netns: LIVE_NETNS, ...made }, { containerId: "c3", netns: "", ...made }],
  );
  for (const { createdUptimeMs } of leases) {
    assert(createdUptimeMs > 0 && createdUptimeMs <= uptimeMs());
  }
});

Deno.test("headcni ipam import: a network that could not be configured is refused", async () => {
  await using node = await AdminNode.make();
  const path = await makeState(node, { "10.244.0.2": "c1\r\neth0" });
  const args = ["ipam", "import", "--from", "host-local", path, "--network", "my pods"];
  assertEquals(await node.run(...args), {
    code: 2,
    stdout: "",
    stderr: `headcni: Cannot use network name "my pods": letters, digits, _, . and - wanted, a ` +
      `letter or digit first\n`,
  });
});

for (const [name, files, config] of faults) {
  Deno.test(`headcni ipam import: refuses what it does not understand: ${name}`, async () => {
    await using node = await AdminNode.make();
    const path = await makeState(node, files);
    const configPath = `${node.root}/pods.conf`;
    const text = typeof config === "string" ? config : JSON.stringify(config);
    if (text !== undefined) await Deno.writeTextFile(configPath, text);
    const { code, stdout, stderr } = await node.run(
      ...["ipam", "import", "--from", "host-local", path],
      ...text === undefined ? [] : ["--config", configPath],
    );
    assertEquals([code, stdout], [2, ""]);
    await assertGolden(`ipam-import-bad-${name}`, stderr, { ROOT: node.root });
    assertEquals((await node.run("ipam", "ls")).code, 1);
  });
}

Deno.test("headcni ipam import: a directory that is not there is a mistake", async () => {
  await using node = await AdminNode.make();
  const path = `${node.root}/absent`;
  const { code, stderr } = await node.run("ipam", "import", "--from", "host-local", path);
  assertEquals(code, 2);
  assertStringIncludes(stderr, `Cannot import "${path}": No such file or directory`);
});

Deno.test("withHostLocal: waits for host-local's lock, and keeps it", async () => {
  await using node = await AdminNode.make();
  const path = await makeState(node, { "10.244.0.2": "c1\r\neth0", "lock": "" });
  using other = await Deno.open(`${path}/lock`);
  await other.lock(true);
  let isReleased = false;
  const names = withHostLocal(path, (files) => {
    assert(isReleased, "the lock was not waited for");
    assertEquals(other.tryLockSync(true), false);
    return Promise.resolve(files.map(({ name }) => name));
  });
  // Whoever does not wait is at it by then.
  await pause(1);
  isReleased = true;
  await other.unlock();
  assertEquals(await names, ["10.244.0.2", "lock"]);
  assertEquals(other.tryLockSync(true), true);
});

Deno.test("headcni ipam import: tells how far it is, but only on a terminal", async () => {
  await using node = await AdminNode.make();
  const path = await makeState(node, { "10.244.0.2": "c1\r\neth0", "10.244.0.3": "c2\r\neth0" });
  const args = ["ipam", "import", "--from", "host-local", path];
  const terminal = await runProgram({ args, env: node.env, enter: TERMINAL });
  assertEquals(terminal.code, 0);
  assertStringIncludes(terminal.stdout, "Importing leases: 2 of 2");
  const file = await runProgram({ args, env: node.env });
  assertEquals([file.code, file.stderr], [0, ""]);
  assertStringIncludes(file.stdout, "2 leases were there already");
  assertEquals(file.stdout.includes("Importing"), false);
});

Deno.test("headcni ipam export: import puts back all that is of use", async () => {
  await using node = await AdminNode.make();
  await using other = await AdminNode.make();
  const pod = { namespace: "default", name: "web-0" };
  await node.seed([{ containerId: "c1", addresses: ["10.244.0.2/24", "fd00:10::2/64"], pod }]);
  await node.seed([{ containerId: "c3", addresses: ["10.244.0.4/24"], pod }]);
  await node.release("c3");
  await callOurs(node, call("ADD", "c2"));
  {
    await using store = await node.openStore();
    const addresses = [parseAddress("10.244.0.4")];
    await store.write((tx) =>
      restoreSticky(tx, {
        ...{ network: "pods", namespace: "default", name: "db-0", ifname: "eth0" },
        addresses,
      })
    );
  }
  const exported = await runProgram({ args: ["ipam", "export"], env: node.env });
  assertEquals([exported.code, exported.stderr], [0, ""]);
  const imported = await runProgram({
    args: ["ipam", "import", "--from", "export", "-", "-o", "json"],
    env: other.env,
    stdin: exported.stdout,
  });
  assertEquals([imported.code, imported.stderr], [0, ""]);
  assertEquals(JSON.parse(imported.stdout), {
    ...{ store: `${other.root}/data`, networks: ["pods"], imported: 2, present: 0, notes: [] },
  });
  const documents = [exported.stdout, (await other.run("ipam", "export")).stdout].map((text) => {
    const { leases, networks, cursors, resting, sticky } = JSON.parse(text);
    return { leases, networks, cursors, resting, sticky };
  });
  assertEquals(documents[0], documents[1]);
  const { cursors = [], resting = [], sticky = [] } = documents[0] ?? {};
  assertEquals([cursors.length, resting.length, sticky.length], [2, 1, 1]);
  assertEquals((await other.run("ipam", "check")).code, 0);
});

Deno.test("headcni ipam export: writes a file of its own for root alone", async () => {
  await using node = await AdminNode.make();
  await node.seed([{ containerId: "c1", addresses: ["10.244.0.2/24"] }]);
  const file = `${node.root}/addresses.json`;
  assertEquals(await node.run("ipam", "export", "--file", file), {
    code: 0,
    stdout: "",
    stderr: "",
  });
  assertEquals((Deno.statSync(file).mode ?? 0) & 0o777, 0o600);
  assertEquals(JSON.parse(await Deno.readTextFile(file)).leases.length, 1);
  const again = await node.run("ipam", "export", "--file", file);
  assertEquals(again.code, 1);
  assertStringIncludes(again.stderr, `Cannot write "${file}": File exists`);
});

Deno.test("headcni ipam import: an export with faults is refused, each with its place", async () => {
  await using node = await AdminNode.make();
  const file = `${node.root}/addresses.json`;
  const lease = { network: "pods", containerId: "c1", addresses: [{ address: "10.244.0.2" }] };
  await Deno.writeTextFile(file, JSON.stringify({ format: 2, leases: [lease], cursors: [] }));
  const { code, stderr } = await node.run("ipam", "import", "--from", "export", file);
  assertEquals(code, 2);
  await assertGolden("ipam-import-bad-export", stderr, { ROOT: node.root });
});

/** What export tells of a node with a lease, an address that rests, and one that is remembered. */
async function exportedDocument(node: AdminNode) {
  await node.seed([{ containerId: "c1", addresses: ["10.244.0.2/24", "fd00:10::2/64"] }]);
  await node.seed([{ containerId: "c2", addresses: ["10.244.0.3/24"] }]);
  await node.release("c2");
  return JSON.parse((await node.run("ipam", "export")).stdout);
}

Deno.test("headcni ipam import: an export that DEL could not release is refused", async () => {
  await using node = await AdminNode.make();
  const document = await exportedDocument(node);
  const [lease] = document.leases;
  const [rest] = document.resting;
  const [first] = lease.addresses;
  const sticky = { network: "pods", namespace: "default", name: "db-0", ifname: "eth0" };
  const file = `${node.root}/addresses.json`;
  await Deno.writeTextFile(
    file,
    JSON.stringify({
      ...document,
      leases: [
        { ...lease, addresses: [first, { ...first, address: "10.244.0.2/16" }] },
        { ...lease, containerId: "../c1", ifname: "a name too long" },
        { ...lease, network: "x".repeat(256) },
      ],
      networks: [{ network: "my pods", ipam: {} }],
      cursors: [{ network: "", pool: "default", rangeSet: 0, address: "10.244.0.2" }],
      resting: [{ ...rest, last: { ...rest.last, key: { ...rest.last.key, ifname: "a/b" } } }],
      sticky: [{ ...sticky, ifname: "", addresses: [] }],
    }),
  );
  await using other = await AdminNode.make();
  const { code, stdout, stderr } = await other.run("ipam", "import", "--from", "export", file);
  assertEquals([code, stdout], [2, ""], stderr);
  await assertGolden("ipam-import-bad-names", stderr, { ROOT: node.root });
  assertEquals((await other.run("ipam", "ls")).code, 1);
});

Deno.test("headcni ipam import: leases of many addresses do not share a commit", async () => {
  await using node = await AdminNode.make();
  const hosts = Array.from({ length: 40 }, (_, index) => index + 1);
  const path = await makeState(
    node,
    Object.fromEntries(
      [1, 2, 3, 4].flatMap((subnet) =>
        hosts.map((host) => [`10.${subnet}.0.${host}`, `c${subnet}\r\neth0`])
      ),
    ),
  );
  const { code, stdout, stderr } = await node.run("ipam", "import", "--from", "host-local", path);
  assertEquals([code, stderr], [0, ""]);
  assertStringIncludes(stdout, "Imported 4 leases");
  assertEquals((await node.run("ipam", "check")).code, 0);
});

function call(verb: IpamCall["verb"], containerId: string): IpamCall {
  return { verb, containerId, config: CONFIG };
}

/** Calls our IPAM plugin on the store of the node, as after the switch. */
function callOurs(node: AdminNode, call: IpamCall) {
  return runProgram({
    args: ["ipam"],
    env: { ...callEnvironment(call), ...node.env },
    stdin: configText(call, "headcni-ipam", `${node.root}/data`),
  });
}

async function containers(node: AdminNode): Promise<string[]> {
  const { leases } = JSON.parse((await node.run("ipam", "ls", "-o", "json")).stdout);
  return leases.map(({ containerId }: { containerId: string }) => containerId);
}

/** A directory of host-local for the network `pods`; answers its path. */
async function makeState(
  node: AdminNode,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const path = `${node.root}/networks/pods`;
  for (const [name, text] of Object.entries(files)) {
    const file = `${path}/${name}`;
    await Deno.mkdir(file.slice(0, file.lastIndexOf("/")), { recursive: true });
    await Deno.writeTextFile(file, text);
  }
  return path;
}

/** What libcni keeps after the ADD of a pod with the addresses of `c1`. */
function writeResult(node: AdminNode, containerId: string, netns = LIVE_NETNS): Promise<void> {
  const key = { network: "pods", containerId, ifname: "eth0" };
  return writeCachedResult(`${node.root}/results`, key, {
    config: JSON.stringify(CONFIG),
    netns,
    cniArgs: [["K8S_POD_NAMESPACE", "shop"], ["K8S_POD_NAME", "db-0"]],
    result: {
      cniVersion: "1.0.0",
      ips: [
        { address: "10.244.0.2/24", gateway: "10.244.0.1" },
        { address: "fd00:10::2/64", gateway: "fd00:10::1" },
      ],
    },
  });
}
