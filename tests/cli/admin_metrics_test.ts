/** `headcni metrics` and `headcni stats`: what a daemon counts, and what they say where none runs. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import * as v from "valibot";
import { parse } from "yaml";
import { putAttachment } from "../../lib/store/attachments.ts";
import { AdminNode, leaseOf } from "./admin_node.ts";
import { FakeDaemon } from "./fake_daemon.ts";
import { assertGolden } from "./golden.ts";

/** A node with settings, and what answers for its daemon. */
async function makeNode(): Promise<AdminNode> {
  const node = await AdminNode.make();
  await Deno.mkdir(`${node.root}/etc/headcni`, { recursive: true });
  await Deno.writeTextFile(`${node.root}/etc/headcni/daemon.yaml`, "network: { mtu: 1400 }\n");
  return node;
}

function serve(node: AdminNode): Promise<FakeDaemon> {
  return FakeDaemon.serve(`${node.root}/run/daemon.sock`);
}

const Metrics = v.strictObject({
  metrics: v.array(v.strictObject({
    name: v.string(),
    help: v.string(),
    type: v.string(),
    samples: v.array(v.strictObject({
      name: v.string(),
      labels: v.record(v.string(), v.string()),
      value: v.number(),
    })),
  })),
});

Deno.test("headcni metrics: for people, for programs, and as they are scraped", async () => {
  await using node = await makeNode();
  await using _daemon = await serve(node);
  const table = await node.run("metrics");
  assertEquals([table.code, table.stderr], [0, ""]);
  await assertGolden("metrics", table.stdout);
  const json = JSON.parse((await node.run("metrics", "-o", "json")).stdout);
  const { metrics } = v.parse(Metrics, json);
  assertEquals(metrics.map(({ samples }) => samples.length), [2, 1, 1, 4]);
  assertEquals(parse((await node.run("metrics", "-o", "yaml")).stdout), json);
  await assertGolden("metrics-prometheus", (await node.run("metrics", "-o", "prometheus")).stdout);
});

Deno.test("headcni metrics: --filter takes samples by name and labels", async () => {
  await using node = await makeNode();
  await using _daemon = await serve(node);
  const { stdout } = await node.run("metrics", "--filter", 'kind="ru|leases', "-o", "prometheus");
  assertEquals(stdout.split("\n").filter((line) => line !== "" && !line.startsWith("#")), [
    'headcni_repairs_total{kind="rule"} 2',
    'headcni_leases{network="pods"} 4',
  ]);
  assertEquals((await node.run("metrics", "--filter", "^x")).stdout, "No metric matches.\n");
});

Deno.test("headcni metrics: by TCP, of any host", async () => {
  await using node = await makeNode();
  await using daemon = await serve(node);
  const port = String(daemon.port);
  for (const args of [["--port", port], ["--host", "127.0.0.1", "--port", port]]) {
    const { code, stdout } = await node.run("metrics", ...args, "--filter", "ready");
    assertEquals([code, stdout], [0, "METRIC              VALUE  OF\nheadcni_mesh_ready  1\n"]);
  }
});

Deno.test("headcni metrics: another path of the settings is asked, and a wrong one told", async () => {
  await using node = await makeNode();
  await using _daemon = await serve(node);
  await Deno.writeTextFile(`${node.root}/etc/headcni/daemon.yaml`, "monitoring: { path: /x }\n");
  const { code, stderr } = await node.run("metrics");
  assertEquals(code, 1);
  assertStringIncludes(stderr, "Cannot get the metrics: /x answers 404");
});

Deno.test("headcni metrics: a daemon that hangs is not waited for", async () => {
  await using node = await makeNode();
  await Deno.mkdir(`${node.root}/run`);
  using _listener = Deno.listen({ transport: "unix", path: `${node.root}/run/daemon.sock` });
  const { code, stderr } = await node.run("metrics", "--timeout", "50ms");
  assertEquals(code, 1);
  assertStringIncludes(stderr, "it did not answer in 0.05 s");
});

Deno.test("headcni metrics: where no daemon runs it says what to do", async () => {
  await using node = await makeNode();
  const { code, stdout, stderr } = await node.run("metrics");
  assertEquals([code, stdout], [1, ""]);
  assertEquals(
    stderr,
    `headcni: Cannot ask the daemon at "${node.root}/run/daemon.sock": there is no such socket; ` +
      "start headcni daemon\n",
  );
});

/** A node with a lease alone, one that is attached, and one whose ADD is not finished. */
async function seed(node: AdminNode): Promise<void> {
  const seeds = ["c1", "c2", "c3"].map((containerId, at) => ({
    containerId,
    addresses: [`10.244.0.${at + 2}/24`],
  }));
  await node.seed(seeds);
  await using store = await node.openStore();
  for (const [at, phase] of (["added", "adding"] as const).entries()) {
    const { key, pod, netns, bootId, createdMs } = leaseOf(
      seeds[at] ?? { containerId: "", addresses: [] },
    );
    const common = { key, pod, netns, bootId, createdMs, phase };
    await store.write((tx) => putAttachment(tx, { ...common, hostLink: "veth1", config: {} }));
  }
}

const counts = {
  attachments: v.strictObject({ added: v.number(), adding: v.number(), leased: v.number() }),
  ports: v.record(v.string(), v.number()),
  daemon: v.strictObject({
    running: v.boolean(),
    trouble: v.nullable(v.string()),
    repairs: v.record(v.string(), v.number()),
    mesh: v.record(v.string(), v.number()),
  }),
};
const Stats = v.strictObject({
  ...counts,
  node: v.object({ node_name: v.string(), allocated_ips: v.number() }),
  networks: v.array(v.object({ network: v.string() })),
  pools: v.array(v.object({ name: v.string() })),
  counters: v.array(v.object({ metric: v.string(), value: v.number() })),
});

Deno.test("headcni stats: what the stores count beside what the daemon counts", async () => {
  await using node = await makeNode();
  await seed(node);
  await using _daemon = await serve(node);
  const { code, stdout, stderr } = await node.run("stats");
  assertEquals([code, stderr], [0, ""]);
  await assertGolden("stats", stdout, { ROOT: node.root });
  const json = JSON.parse((await node.run("stats", "-o", "json")).stdout);
  const stats = v.parse(Stats, json);
  assertEquals(stats.attachments, { added: 1, adding: 1, leased: 1 });
  assertEquals(stats.daemon.repairs, { rule: 2, bridge: 0 });
  assertEquals(stats.daemon.mesh, { ready: 1 });
  assertEquals([stats.node.node_name, stats.node.allocated_ips], ["worker-1", 3]);
  assertEquals(parse((await node.run("stats", "-o", "yaml")).stdout), json);
});

Deno.test("headcni stats: without a daemon and without a store it is no failure", async () => {
  await using node = await makeNode();
  const { code, stdout } = await node.run("stats");
  assertEquals(code, 0);
  await assertGolden("stats-nothing", stdout, { ROOT: node.root });
  const named = await node.run("stats", "--store", `${node.root}/other`);
  assertEquals([named.code, named.stdout], [1, ""]);
  assertStringIncludes(named.stderr, `Cannot find a store in "${node.root}/other"`);
});
