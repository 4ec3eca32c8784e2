/** `headcni status` where no daemon runs: a node with nothing, one that a daemon left, one of root's. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { parse } from "yaml";
import { keepLastPodCidr } from "../../lib/daemon/pod_cidr_sources.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { planConflist } from "../../lib/node/conflist.ts";
import { bootId } from "../../lib/platform.ts";
import { SCHEMA_KEY } from "../../lib/store/keys.ts";
import { VERSION } from "../../lib/version.ts";
import { missingRoot, testUnless } from "../fakes/test_unless.ts";
import { AdminNode } from "./admin_node.ts";
import { assertGolden } from "./golden.ts";
import { type ProgramOutcome, runProgram } from "./program.ts";
import { parseStatus } from "./status_schema.ts";

/** A node whose own files, sockets and runtimes lie in its folder. */
async function makeNode(): Promise<AdminNode> {
  const node = await AdminNode.make();
  const { root } = node;
  node.env.HEADCNI_HOST_ROOT = `${root}/machine`;
  await Deno.mkdir(`${root}/etc/headcni`, { recursive: true });
  await Deno.writeTextFile(
    `${root}/etc/headcni/daemon.yaml`,
    `tailscale: { socket: { path: ${root}/tailscaled.sock } }\n`,
  );
  return node;
}

/** A node of which a daemon was killed, with pods that still run. */
async function makeLeft(): Promise<AdminNode> {
  const node = await makeNode();
  const { root } = node;
  await node.seed([
    { containerId: "c1", addresses: ["10.244.0.2/24"], pod: { namespace: "shop", name: "web-0" } },
    { containerId: "c2", addresses: ["10.244.0.3/24"] },
  ]);
  const conf = `${root}/machine/etc/cni/net.d`;
  await Deno.mkdir(conf, { recursive: true });
  const conflist = planConflist({ keys: { subnetFile: "/run/headcni/env.yaml" } });
  await Deno.writeTextFile(`${conf}/05-headcni.conflist`, JSON.stringify(conflist));
  await Deno.writeTextFile(`${conf}/01-other.conf`, "{}");
  const cidrs = [parsePrefix("10.244.0.0/24")];
  const given = { cidrs, source: "api-server", origin: "API server", isNodeLocal: true } as const;
  keepLastPodCidr(`${root}/data`, "worker-1", { ...given, reasons: [] }, new Date());
  const state = { bootId: bootId(), problems: ["no network for the pods of this node"] };
  await Deno.writeTextFile(`${root}/run/state.json`, JSON.stringify(state));
  // As one that was killed leaves its socket: who closes it removes only the first name.
  const listener = Deno.listen({ transport: "unix", path: `${root}/run/first.sock` });
  await Deno.link(`${root}/run/first.sock`, `${root}/run/daemon.sock`);
  listener.close();
  return node;
}

const STAGES: Readonly<Record<string, () => Promise<AdminNode>>> = {
  nothing: makeNode,
  left: makeLeft,
};

for (const [stage, make] of Object.entries(STAGES)) {
  Deno.test(`headcni status: tells a node, ${stage}, in every form`, async () => {
    await using node = await make();
    const hidden = { ROOT: node.root, RELEASE: VERSION };
    const { code, stdout, stderr } = await node.run("status", "--pods");
    assertEquals([code, stderr], [0, ""]);
    await assertGolden(`status-${stage}`, stdout, hidden);
    const json = await node.run("status", "--output", "json");
    const status = parseStatus(json.stdout);
    assertEquals(status.daemon.state, "stopped");
    const yaml = await node.run("status", "--output", "yaml");
    assertEquals(parse(yaml.stdout), JSON.parse(json.stdout));
  });
}

Deno.test("headcni status: without --pods it says how many there are", async () => {
  await using node = await makeLeft();
  const { stdout } = await node.run("status");
  assertStringIncludes(stdout, "2 attached; --pods lists them\n");
  assertEquals(stdout.includes("web-0"), false);
});

Deno.test("headcni status: a store of a newer release is not seen, all else is", async () => {
  await using node = await makeLeft();
  {
    await using store = await node.openStore();
    await store.write((tx) => tx.set(SCHEMA_KEY, { version: 9, readableFrom: 9 }));
  }
  const { code, stdout, stderr } = await node.run("status", "--output", "json");
  const { unseen, conflists: [conflist], stores } = parseStatus(stdout);
  const text = `Cannot read the store in "${node.root}/data": a newer release wrote it`;
  assertEquals([code, stores, conflist?.state], [1, [], "ours"]);
  assertStringIncludes(unseen.join(), text);
  assertStringIncludes(stderr, `headcni: Cannot see all of this node: ${text}`);
});

Deno.test("headcni status: settings with faults are told, and the defaults are gone by", async () => {
  await using node = await makeLeft();
  await Deno.writeTextFile(`${node.root}/etc/headcni/daemon.yaml`, "network: { mtu: -1 }\n");
  const { code, stdout } = await node.run("status", "--output", "json");
  const { unseen, pools } = parseStatus(stdout);
  assertEquals([code, unseen.length, pools.length], [1, 1, 1]);
  assertStringIncludes(unseen[0] ?? "", "network.mtu");
});

Deno.test("headcni status: a daemon that does not know what is asked is no daemon of ours", async () => {
  await using node = await makeLeft();
  const path = `${node.root}/run/daemon.sock`;
  await Deno.remove(path);
  await using _server = Deno.serve({ path, onListen: () => {} }, () => new Response("{}"));
  const { code, stdout } = await node.run("status", "--output", "json");
  const { unseen, daemon } = parseStatus(stdout);
  assertEquals([code, daemon.state], [1, "unknown"]);
  assertStringIncludes(unseen[0] ?? "", `Cannot understand the daemon at "${path}"`);
});

/** Runs it without the right to look into folders of others, which these are from now on. */
async function runAsOther(node: AdminNode, ...args: string[]): Promise<ProgramOutcome> {
  for (const folder of ["data", "run", "machine/etc/cni/net.d"]) {
    await Deno.chown(`${node.root}/${folder}`, 65_534, 65_534);
    await Deno.chmod(`${node.root}/${folder}`, 0o700);
  }
  const rights = "-dac_override,-dac_read_search";
  const enter = ["setpriv", `--bounding-set=${rights}`, `--inh-caps=${rights}`];
  return await runProgram({ enter, args, env: node.env });
}

testUnless(missingRoot(), "headcni status: who is not root sees what may be seen", async () => {
  await using node = await makeLeft();
  const { code, stdout, stderr } = await runAsOther(node, "status");
  assertEquals(code, 1);
  await assertGolden("status-other", stdout + stderr, { ROOT: node.root, RELEASE: VERSION });
  const json = await runAsOther(node, "status", "--output", "json");
  assertEquals([json.code, parseStatus(json.stdout).daemon.state], [1, "unknown"]);
});

Deno.test("headcni status: on a terminal it has colours, unless NO_COLOR is set", async () => {
  await using node = await makeNode();
  const run = (env: Record<string, string>, output: string) =>
    runProgram({
      enter: ["sh", "-c", 'script -qec "$*" /dev/null', "sh"],
      args: ["status", "--output", output],
      env: { ...node.env, TERM: "xterm", ...env },
    });
  const escape = "\x1b[";
  assertStringIncludes((await run({}, "table")).stdout, `${escape}31mnot running${escape}0m`);
  assertEquals((await run({ NO_COLOR: "1" }, "table")).stdout.includes(escape), false);
  assertEquals((await run({}, "json")).stdout.includes(escape), false);
});
