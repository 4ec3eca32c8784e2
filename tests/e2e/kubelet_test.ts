/**
 * The chart on two nodes of a cluster that have nothing but the kubelet, kube-proxy and containerd, real
 * ones, up to the end: what a person does at a workstation, and what becomes of pods.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { Trial } from "../../lib/daemon/connect/trial.ts";
import type { Judged } from "../../lib/doctor/check.ts";
import { blocksIn } from "../fakes/readme.ts";
import { IMAGE as BUSYBOX } from "./containerd.ts";
import { CHART } from "./helm.ts";
import {
  type KubeCluster,
  kubeClusterTest,
  POD_CIDR,
  TAG,
  TAILSCALED_IMAGE,
  type WebPod,
} from "./kube_cluster.ts";
import type { Outcome } from "./kubernetes.ts";
import { until } from "./tailnet/until.ts";

kubeClusterTest(
  "two nodes by the commands of chart/README.md, an upgrade, and the end",
  { hasTailscaled: true },
  async (cluster, t) => {
    await t.step("chart/README.md: its commands make both nodes ready", async () => {
      await cluster.write("auth-key", `${await cluster.makeKey()}\n`);
      await Deno.symlink(CHART, join(cluster.api.folder, "chart"));
      const commands = pasted("upgrade --install")
        .replace("https://headscale.example.com", cluster.headscale.url)
        .replace("registry.example.com/headcni", "localhost/headcni");
      await cluster.api.run(["sh", "-ec", `cd ${cluster.api.folder}\n${commands}`]);
      await cluster.ready();
    });
    const pods = await cluster.serve();
    const [near] = pods;
    await t.step("pods: reach each other by the tailnet alone", () => expectReached(cluster, pods));

    await t.step("headcni: both nodes are seen from a workstation", async () => {
      const status = await cluster.headcni("status", "--all-nodes", "--pods");
      assertEquals([status.code, status.stderr], [0, ""]);
      for (const { name } of pods) assertStringIncludes(status.stdout, `default/${name}`);
      assertEquals(await complaints(cluster), []);
      const logs = await cluster.headcni("logs", "--node", near.node, "--tail", "1000");
      assertStringIncludes(logs.stdout, "daemon | ");
      assertStringIncludes(logs.stdout, "plugin | ");
      const line = ["connect-test", "--all-nodes", "--image", BUSYBOX, "--output", "json"];
      const trials = await cluster.headcni(...line);
      assertEquals(verdicts(trials), {
        ...{ daemon: "passed", attach: "passed", "pod-to-pod": "passed", "other-nodes": "passed" },
        // Nobody serves names in this cluster.
        ...{ dns: "failed", service: "passed", external: "skipped", detach: "passed" },
      }, trials.stdout);
    });

    await t.step("cluster upgrade: no pod loses a packet, and back where it fails", async () => {
      for (const { host } of cluster.nodes) {
        await host.images("tag", "localhost/headcni:0.1.0", "localhost/headcni:next");
      }
      const upgrade = ["cluster", "upgrade", "--image-tag"];
      const { value: { done, failed }, answers } = await pinging(cluster, pods, async () => ({
        done: await cluster.headcni(...upgrade, "next"),
        failed: await cluster.headcni(...upgrade, "missing", "--timeout", "25"),
      }));
      assertEquals([done.code, done.stdout], [0, "Upgraded 2 nodes\n"], done.stderr);
      assertEquals([failed.code, failed.stdout], [1, ""]);
      assertStringIncludes(failed.stderr, "revision 2 is back");
      assertEquals(answers, answers.map((_, at) => at));
      assert(answers.length > 100, String(answers.length));
      assertEquals(await cluster.webPods(), [...pods]);
      assertEquals(await cluster.internet.seen(), 0);
    });

    await t.step("chart/README.md: its commands leave a node as it was without us", async () => {
      await cluster.api.run([
        "sh",
        "-ec",
        `cd ${cluster.api.folder}\n${pasted("helm --namespace headcni uninstall")}`,
      ]);
      await expectGone(cluster);
    });
  },
);

kubeClusterTest(
  "headcni cluster install with a tailscaled of our own, and the end",
  { hasTailscaled: false },
  async (cluster, t) => {
    const { caFile, url } = cluster.headscale;
    const ca = "/etc/headscale/ca.pem";
    const volumes = {
      extraVolumes: [{ name: "ca", hostPath: { path: caFile } }],
      extraVolumeMounts: [{ name: "ca", mountPath: ca, readOnly: true }],
    };
    const values = await cluster.write(
      "values.json",
      JSON.stringify({
        config: { headscale: { caFile: ca }, tailscale: { mode: "own", tags: TAG } },
        tailscaled: { image: { repository: TAILSCALED_IMAGE }, ...volumes },
        ...volumes,
      }),
    );
    await t.step("headcni cluster install: makes both nodes ready", async () => {
      const done = await cluster.headcni(
        ...["cluster", "install", "--chart", CHART, "--values", values, "--headscale-url", url],
        ...["--join-key-file", await cluster.write("join-key", await cluster.makeKey())],
        ...["--pod-cidr", POD_CIDR, "--image-repo", "localhost/headcni"],
      );
      assertEquals(done.code, 0, done.stderr);
      await cluster.ready();
    });
    const pods = await cluster.serve();
    await t.step("pods: reach each other by the tailnet alone", () => expectReached(cluster, pods));
    await t.step("headcni doctor: has nothing to say", async () => {
      assertEquals(await complaints(cluster), []);
    });
    await t.step("headcni cluster uninstall: and what it says for the nodes", async () => {
      const settings = join(cluster.api.folder, "daemon.yaml");
      const line = ["cluster", "uninstall", "--force", "--save-settings", settings];
      const { code, stderr } = await cluster.headcni(...line);
      assertEquals(code, 0, stderr);
      await expectGone(cluster);
    });
  },
);

const README = await Deno.readTextFile(join(CHART, "README.md"));

/** The commands of chart/README.md that have these words among them. */
function pasted(words: string): string {
  const found = blocksIn(README, "sh").find((block) => block.includes(words));
  if (found === undefined) throw new Error(`Cannot find "${words}" in chart/README.md`);
  return found;
}

/** Pods of both nodes reach each other, and a service, and nothing of it is seen between the nodes. */
async function expectReached(cluster: KubeCluster, pods: readonly [WebPod, WebPod]): Promise<void> {
  const [near, far] = pods;
  assertEquals([near.node, far.node].toSorted(), ["one", "two"]);
  for (const pod of pods) {
    for (const address of [near.ip, far.ip, await cluster.service()]) {
      assertEquals(await cluster.get(pod, address), "hello\n");
    }
  }
  // Each is seen by its own address.
  assertStringIncludes(await cluster.api.kubectl("logs", far.name), `[::ffff:${near.ip}]`);
  assertEquals(await cluster.internet.seen(), 0);
}

/** Has a pod ping the other one meanwhile; answers the numbers of the packets that came back, too. */
async function pinging<Value>(
  cluster: KubeCluster,
  [near, far]: readonly [WebPod, WebPod],
  during: () => Promise<Value>,
): Promise<{ value: Value; answers: number[] }> {
  const end = new AbortController();
  const command = ["kubectl", "exec", near.name, "--", "ping", "-i", "0.05", far.ip];
  const ping = cluster.api.begin(command, end.signal);
  const output = ping.output();
  try {
    const value = await during();
    end.abort();
    const text = new TextDecoder().decode((await output).stdout);
    return { value, answers: Array.from(text.matchAll(/seq=(\d+) /g), ([, at]) => Number(at)) };
  } finally {
    end.abort();
    await output;
  }
}

/** Ends pods, has each node uninstall by the settings that were saved, and sees that nothing is left. */
async function expectGone(cluster: KubeCluster): Promise<void> {
  // Without the daemon the runtime removes pods by our plugin.
  await cluster.api.kubectl("delete", "deployment", "web", "--wait", "--timeout=60s");
  await until("no pod", async () => (await cluster.webPods()).length === 0);
  for (const { host } of cluster.nodes) {
    await until("no lease", async () => {
      const text = await host.run("/opt/headcni/headcni", "ipam", "ls", "--output", "json");
      return JSON.parse(text).leases.length === 0;
    });
    const commands = pasted("headcni uninstall --config");
    await host.run("sh", "-ec", `cd ${cluster.api.folder}\n${commands}`);
    const left = (await host.netns.snapshot()).split("\n").filter((line) => OURS.test(line));
    assertEquals(left, []);
    assertEquals(await host.run("find", ...FOLDERS, "!", "-type", "d"), "");
  }
}

/** What is of us in the kernel: links, rules of policy routing, routes and tables. */
const OURS = /headcni|"ifname":"veth|"priority":51\d\d|"protocol":"72"/;
/** Where we and what calls us write on a node; folders that others make for us stay. */
const FOLDERS = ["/etc/cni/net.d", "/opt", "/var/lib/cni"];

/** What the doctor of any node does not call well. */
async function complaints(cluster: KubeCluster): Promise<string[]> {
  const { stdout } = await cluster.headcni("doctor", "--all-nodes", "--output", "json");
  const nodes: Record<string, { checks: Judged[] }> = JSON.parse(stdout);
  assertEquals(Object.keys(nodes).length, cluster.nodes.length);
  return Object.entries(nodes).flatMap(([node, { checks }]) =>
    checks.filter(({ verdict }) => verdict === "fail" || verdict === "warn")
      .map(({ id, evidence }) => `${node}: ${id}: ${evidence}`)
  );
}

function verdicts({ stdout }: Outcome): Record<string, string> {
  const { trials }: { trials: Trial[] } = JSON.parse(stdout);
  return Object.fromEntries(trials.map(({ id, verdict }) => [id, verdict]));
}
