/** GC of pods whose namespace went without a DEL: two proofs, a grace period, and never the living. */
import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { runProgram } from "../cli/program.ts";
import { TestNetns } from "./namespace.ts";
import { bare, network, type NetworkConfig, nodeTest, type TestNode } from "./plugin.ts";
import { PrivateMounts } from "./private_mounts.ts";
import { forgetResult, keepResult } from "./results.ts";

/** What `headcni ipam gc --output json` tells, as far as it is looked at here. */
interface GcReport {
  readonly dryRun: boolean;
  readonly freed: readonly Outcome[];
  readonly failed: readonly Outcome[];
  readonly kept: readonly Outcome[];
}

/** One lease of it. */
interface Outcome {
  readonly containerId: string;
  readonly proofs?: readonly string[];
  readonly reason?: string;
}

const NO_GRACE = ["--grace", "0s"];

for (const datapath of ["bridge", "ptp"]) {
  const config = network({ cniVersion: "1.1.0", datapath });

  nodeTest(`headcni: ${datapath}: GC frees a pod whose namespace is gone`, async (node) => {
    const live = await node.makePod();
    const { ips = [] } = await node.add(live, config);
    const before = await node.storeText();
    const dead = await addAndLose(node, config);

    const { dryRun, freed, kept } = await gc(node, ["--dry-run", ...NO_GRACE]);
    assertEquals([dryRun, freed.map(idOf), kept.map(idOf)], [true, [dead.name], [live.name]]);
    const [gone, link = ""] = freed[0]?.proofs ?? [];
    assertEquals(gone, `network namespace "${dead.path}" is gone`);
    assertMatch(link, /^its host link "veth\w+" is gone$/);

    await node.succeed({ verb: "GC", config });
    const young = await gc(node);
    assertEquals([young.freed, young.kept.map(idOf)], [[], [dead.name, live.name].sort()]);
    const { reason } = young.kept.find((one) => idOf(one) === dead.name) ?? {};
    assertEquals(reason, "it is younger than the grace period");

    assertEquals((await gc(node, NO_GRACE)).freed.map(idOf), [dead.name]);
    assertEquals(await node.storeText(), before);
    await live.run("ping", "-c", "1", "-W", "1", bare(ips[0]?.gateway));
  });

  nodeTest(`headcni: ${datapath}: GC frees nothing where no namespace is seen`, async (node) => {
    const live = await node.makePod();
    await node.add(live, config);
    const dead = await addAndLose(node, config);
    await using mounts = await PrivateMounts.make("mount -t tmpfs hct /run");
    await node.unchangedBy([live], async () => {
      const { freed, kept } = await gc(node, NO_GRACE, mounts.enter);
      assertEquals([freed, kept.map(idOf)], [[], [dead.name, live.name].sort()]);
    });
  });

  nodeTest(`headcni: ${datapath}: GC in a container frees nothing`, async (node) => {
    const live = await node.makePod();
    await node.add(live, config);
    // Where namespaces could be seen, and none is; nor are the links of the node.
    await using mounts = await PrivateMounts.make("mount -t tmpfs hct /run/netns");
    await node.unchangedBy([live], async () => {
      const { freed, kept } = await gc(node, NO_GRACE, [...mounts.enter, "unshare", "--net"]);
      assertEquals(freed, []);
      assertEquals(kept.map(({ reason }) => reason), [
        "made in another network namespace than this one: nothing can be seen from here",
      ]);
    });
  });
}

nodeTest("headcni-ipam: GC needs a result to be missing, for there is no link", async (node) => {
  const ipam = { type: "headcni-ipam", subnet: "10.9.0.0/24" };
  const config = { cniVersion: "1.1.0", name: "pods", ipam };
  const cached = { ...config, type: "bridge" };
  const dead = await addAndLose(node, config);
  assertEquals((await gc(node, NO_GRACE)).freed, [], "no cache of results");
  await keepResult(node, dead, cached, { cniVersion: "1.1.0" });
  assertEquals((await gc(node, NO_GRACE)).freed, [], "the runtime knows it");
  await forgetResult(node, dead, cached);
  const { freed } = await gc(node, NO_GRACE);
  assertEquals(freed.map(({ proofs }) => proofs), [[
    `network namespace "${dead.path}" is gone`,
    "the runtime has no result of it",
  ]]);
});

nodeTest("headcni: GC tells another IPAM plugin of a pod that is gone", async (node) => {
  const dataDir = `${node.root}/foreign`;
  const ipam = { type: "host-local", subnet: "10.9.0.0/24", dataDir };
  const config = network({ cniVersion: "1.1.0", ipam });
  const live = await node.makePod();
  await node.add(live, { ...config, cniVersion: "1.0.0" });
  const before = await node.storeText();
  const dead = await addAndLose(node, { ...config, cniVersion: "1.0.0" });
  assertStringIncludes(await node.storeText(), dead.name);
  // Debian's host-local is older than the verb: it is told of the pod by a DEL, and refuses GC.
  assertStringIncludes(await node.fail({ verb: "GC", config }, 11), "host-local");
  assertEquals(await node.storeText(), before);
  const files = Array.from(Deno.readDirSync(`${dataDir}/pods`), ({ name }) => name);
  assertEquals(files.filter((name) => name.startsWith("10.")), ["10.9.0.2"]);
});

nodeTest("headcni: GC goes on when one record is damaged", async (node) => {
  const config = network({ cniVersion: "1.1.0" });
  const [live, unlisted] = [await node.makePod(), await node.makePod()];
  for (const pod of [live, unlisted]) await node.add(pod, config);
  {
    using kv = await Deno.openKv(`${node.dataDirectory}/state.kv`);
    await kv.set(["attachment", "pods", live.name, "eth0"], "damaged");
  }
  const valid = [{ containerID: live.name, ifname: "eth0" }];
  const { code, stdout } = await node.call({
    verb: "GC",
    config: { ...config, "cni.dev/valid-attachments": valid },
  });
  assertEquals(code, 0, stdout);
  const { kept } = await gc(node, ["--dry-run"]);
  assertEquals(kept.map(idOf), [live.name]);
  assertEquals((await unlisted.ip("link", "show", "type", "veth")).length, 0);
  await node.del(live, config);
});

/** Attaches a pod, and removes its link and its namespace; answers what it was. */
async function addAndLose(
  node: TestNode,
  config: NetworkConfig,
): Promise<Pick<TestNetns, "name" | "path">> {
  await using pod = await TestNetns.make("dead");
  const { interfaces = [] } = await node.add(pod, config);
  // With the namespace the kernel would remove the link when it finds the time.
  const link = interfaces.find(({ name }) => name.startsWith("veth"));
  if (link) await node.host.run("ip", "link", "delete", link.name);
  return { name: pod.name, path: pod.path };
}

/** `headcni ipam gc` in the node's namespace, and in what `enter` enters. */
async function gc(
  node: TestNode,
  args: readonly string[] = [],
  enter: readonly string[] = [],
): Promise<GcReport> {
  const { code, stdout, stderr } = await runProgram({
    enter: ["nsenter", `--net=${node.host.path}`, ...enter],
    executable: node.plugin,
    args: ["ipam", "gc", "--output", "json", ...args],
    env: node.environment,
  });
  assertEquals([code, stderr], [0, ""]);
  return JSON.parse(stdout);
}

function idOf({ containerId }: Outcome): string {
  return containerId;
}
