/**
 * The first commands of chart/README.md on two nodes of a cluster that have nothing but the kubelet,
 * kube-proxy, containerd and a tailscaled, real ones; only the image is brought to the nodes by the test.
 * Then what an administrator does from a workstation, up to the end.
 */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import type { Trial } from "../../lib/daemon/connect/trial.ts";
import type { Judged } from "../../lib/doctor/check.ts";
import { formatPolicy } from "../../lib/mesh/policy.ts";
import { parsePrefix } from "../../lib/net/prefix.ts";
import { HEADCNI } from "../cli/shipped.ts";
import { blocksIn } from "../fakes/readme.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { missingScriptForm } from "../netns/other_release.ts";
import { IMAGE as BUSYBOX, missingContainerd } from "./containerd.ts";
import { CHART } from "./helm.ts";
import { ImageHost } from "./image.ts";
import { KubeNode } from "./kube_node.ts";
import { Cluster, MISSING_KUBERNETES, type Outcome } from "./kubernetes.ts";
import { missingFor } from "./machine.ts";
import { HeadscaleServer } from "./tailnet/headscale.ts";
import { Internet } from "./tailnet/internet.ts";
import { missingMesh } from "./tailnet/mesh.ts";
import { until } from "./tailnet/until.ts";

const POD_CIDR = "10.42.0.0/16";
const TAG = "tag:headcni";
const NAMESPACE = ["--namespace", "headcni"];

/** A web server on each of two nodes, and a service. */
const WEB = [
  {
    apiVersion: "apps/v1",
    kind: "Deployment",
    metadata: { name: "web" },
    spec: {
      replicas: 2,
      selector: { matchLabels: { app: "web" } },
      template: {
        metadata: { labels: { app: "web" } },
        spec: {
          terminationGracePeriodSeconds: 0,
          topologySpreadConstraints: [{
            ...{ maxSkew: 1, topologyKey: "kubernetes.io/hostname" },
            whenUnsatisfiable: "DoNotSchedule",
            labelSelector: { matchLabels: { app: "web" } },
          }],
          containers: [{
            name: "web",
            image: BUSYBOX,
            imagePullPolicy: "Never",
            command: ["httpd", "-f", "-vv", "-p", "80", "-h", "/"],
            readinessProbe: { httpGet: { path: "/index.html", port: 80 }, periodSeconds: 1 },
          }],
        },
      },
    },
  },
  {
    apiVersion: "v1",
    kind: "Service",
    metadata: { name: "web" },
    spec: { selector: { app: "web" }, ports: [{ port: 80 }] },
  },
];

interface Pod {
  readonly name: string;
  readonly node: string;
  readonly ip: string;
}

interface KubePod {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly nodeName: string };
  readonly status: { readonly podIP?: string };
}

testUnless(
  MISSING_KUBERNETES || missingMesh() || missingContainerd() || missingScriptForm() ||
    missingFor(["/usr/bin/podman"]),
  "kubernetes: two nodes by the commands of the chart, an upgrade, and the end",
  async (t) => {
    await using internet = await Internet.make();
    const policy = formatPolicy({ clusterCidrs: [parsePrefix(POD_CIDR)], tags: [TAG] });
    await using headscale = await HeadscaleServer.start(internet, "0.29.2", policy);
    await using cluster = await Cluster.start(internet);
    cluster.startControllers(POD_CIDR);
    const image = join(cluster.folder, "image.tar");
    await saveImage(image);
    const make = (name: string) =>
      KubeNode.start({ cluster, internet, headscale }, {
        name,
        images: [image],
        podCidr: POD_CIDR,
      });
    await using one = await make("one");
    await using two = await make("two");
    await until("two nodes", async () => (await conditions(cluster)).length === 2);
    assertEquals(await conditions(cluster), ["one False", "two False"]);
    await internet.watch(POD_CIDR);
    const headcni = (...args: string[]) => cluster.try([HEADCNI, ...args, ...NAMESPACE]);

    await t.step("chart/README.md: its commands make both nodes ready", async () => {
      const [commands = ""] = blocksIn(await Deno.readTextFile(join(CHART, "README.md")), "sh");
      const key = await headscale.makeAuthKey({ tags: [TAG] });
      await Deno.writeTextFile(join(cluster.folder, "auth-key"), `${key}\n`, { mode: 0o600 });
      await Deno.symlink(CHART, join(cluster.folder, "chart"));
      const here = commands.replace("https://headscale.example.com", headscale.url)
        .replace("registry.example.com/headcni", "localhost/headcni");
      await cluster.run(["sh", "-ec", `cd ${cluster.folder}\n${here}`]);
      await cluster.kubectl(
        ...NAMESPACE,
        "rollout",
        "status",
        "daemonset/headcni",
        "--timeout=90s",
      );
      await until("ready nodes", async () => {
        return (await conditions(cluster)).join() === "one True,two True";
      });
    });

    await cluster.run(["kubectl", "create", "--filename=-"], WEB.map(toText).join("\n"));
    await cluster.kubectl("rollout", "status", "deployment/web", "--timeout=60s");
    const pods = await webPods(cluster);
    const [near, far] = pods;
    if (!near || !far) throw new Error(`two pods wanted: ${JSON.stringify(pods)}`);

    await t.step(
      "pods: reach those of the other node, and services, by the tailnet alone",
      async () => {
        assertEquals(pods.map(({ node }) => node).toSorted(), ["one", "two"]);
        const service = await cluster.kubectl(
          ...["get", "service", "web", "--output=jsonpath={.spec.clusterIP}"],
        );
        for (const { name } of pods) {
          for (const ip of [near.ip, far.ip, service]) {
            const get = ["wget", "-q", "-O-", `http://${ip}/index.html`];
            assertEquals(await cluster.kubectl("exec", name, "--", ...get), "hello\n");
          }
        }
        // Each is seen by its own address.
        assertStringIncludes(await cluster.kubectl("logs", far.name), `[::ffff:${near.ip}]`);
        assertEquals(await internet.seen(), 0);
      },
    );

    await t.step("headcni: both nodes are seen from a workstation", async () => {
      const status = await headcni("status", "--all-nodes", "--pods");
      assertEquals([status.code, status.stderr], [0, ""]);
      for (const { name } of pods) assertStringIncludes(status.stdout, `default/${name}`);
      const doctor = await headcni("doctor", "--all-nodes", "--output", "json");
      assertEquals(doctor.code, 0, doctor.stdout);
      assertEquals(complaints(doctor.stdout), []);
      const logs = await headcni("logs", "--node", near.node, "--tail", "1000");
      assertStringIncludes(logs.stdout, "daemon | ");
      assertStringIncludes(logs.stdout, `plugin | `);
      const trials = await headcni("connect-test", "--all-nodes", "--image", BUSYBOX, "-o", "json");
      assertEquals(verdicts(trials), {
        ...{ daemon: "passed", attach: "passed", "pod-to-pod": "passed", "other-nodes": "passed" },
        // Nobody serves names in this cluster.
        ...{ dns: "failed", service: "passed", external: "skipped", detach: "passed" },
      });
    });

    await t.step(
      "headcni cluster upgrade: no pod loses a packet, and back where it fails",
      async () => {
        for (const { host } of [one, two]) {
          await host.images("tag", "localhost/headcni:0.1.0", "localhost/headcni:next");
        }
        const ping = cluster.begin([
          ...["kubectl", "exec", near.name, "--", "ping", "-i", "0.05", far.ip],
        ]);
        const printed = new Response(ping.stdout).text();
        const done = await headcni("cluster", "upgrade", "--image-tag", "next");
        const failed = await headcni(
          ...["cluster", "upgrade", "--image-tag", "missing", "--timeout", "10"],
        );
        ping.kill();
        await ping.status;
        assertEquals([done.code, done.stdout], [0, "Upgraded 2 nodes\n"], done.stderr);
        assertEquals([failed.code, failed.stdout], [1, ""]);
        assertStringIncludes(failed.stderr, "revision 2 is back");
        const answers = Array.from((await printed).matchAll(/seq=(\d+) /g), ([, at]) => Number(at));
        assertEquals(answers, answers.map((_, at) => at));
        assert(answers.length > 100, String(answers.length));
        assertEquals(await webPods(cluster), pods);
        assertEquals(await internet.seen(), 0);
      },
    );

    await t.step("headcni uninstall: leaves a node as it was without us", async () => {
      const gone = await headcni("cluster", "uninstall", "--force");
      assertEquals(gone.code, 0, gone.stderr);
      // Without the daemon the runtime removes pods by our plugin.
      await cluster.kubectl("delete", "deployment", "web", "--wait", "--timeout=60s");
      await until("no pod", async () => (await webPods(cluster)).length === 0);
      for (const { host } of [one, two]) {
        const run = (...args: string[]) => host.run("/opt/headcni/headcni", ...args);
        await until(
          "leases",
          async () => JSON.parse(await run("ipam", "ls", "-o", "json")).leases.length === 0,
        );
        await run("mesh", "leave");
        const { failures, pods } = JSON.parse(await run("uninstall", "--output", "json"));
        assertEquals([failures, pods], [[], 0]);
        const left = await host.netns.snapshot();
        assertEquals(left.split("\n").filter((line) => OURS.test(line)), []);
        assertEquals(await host.run("find", ...FOLDERS, "!", "-type", "d"), "");
      }
    });
  },
);

/** What is of us in the kernel: links, rules of policy routing, routes and tables. */
const OURS = /headcni|"ifname":"veth|"priority":51\d\d|"protocol":"72"/;
/** Where we and what calls us write on a node; folders that others make for us stay. */
const FOLDERS = ["/etc/cni/net.d", "/opt/cni/bin", "/opt/headcni", "/var/lib/cni"];

/** The image, as it is built. */
async function saveImage(path: string): Promise<void> {
  await using builder = await ImageHost.start();
  await builder.build();
  await builder.save(path);
}

function toText(value: unknown): string {
  return `---\n${JSON.stringify(value)}`;
}

/** Each node, and whether it is ready. */
async function conditions(cluster: Cluster): Promise<string[]> {
  const ready = '{.status.conditions[?(@.type=="Ready")].status}';
  const lines = `{range .items[*]}{.metadata.name} ${ready}{"\\n"}{end}`;
  const text = await cluster.kubectl("get", "nodes", `--output=jsonpath=${lines}`);
  return text.split("\n").filter((line) => line !== "").toSorted();
}

/** The pods that serve, in the order of their names. */
async function webPods(cluster: Cluster): Promise<Pod[]> {
  const text = await cluster.kubectl("get", "pods", "--selector=app=web", "--output=json");
  const { items }: { items: KubePod[] } = JSON.parse(text);
  return items.map(({ metadata, spec, status }) => ({
    ...{ name: metadata.name, node: spec.nodeName, ip: status.podIP ?? "" },
  }));
}

/** What the doctor of any node does not call well. */
function complaints(stdout: string): string[] {
  const nodes: Record<string, { checks: Judged[] }> = JSON.parse(stdout);
  return Object.entries(nodes).flatMap(([node, { checks }]) =>
    checks.filter(({ verdict }) => verdict === "fail" || verdict === "warn")
      .map(({ id, evidence }) => `${node}: ${id}: ${evidence}`)
  );
}

function verdicts({ stdout }: Outcome): Record<string, string> {
  const { trials }: { trials: Trial[] } = JSON.parse(stdout);
  return Object.fromEntries(trials.map(({ id, verdict }) => [id, verdict]));
}
