/** `headcni cluster` with real Helm, kubectl and API server; their controllers' part is the test's. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { parse as parseYaml } from "yaml";
import type { ClusterStatus } from "../../commands/admin/cluster/status.ts";
import { type ProgramOutcome, runProgram } from "../cli/program.ts";
import { CHART } from "./helm.ts";
import { type Cluster, kubernetesTest } from "./kubernetes.ts";
import { until } from "./tailnet/until.ts";

const NAMESPACE = "net";
const KEY = "k'e\"y\\$(id)";

function headcni(cluster: Cluster, args: readonly string[], stdin = ""): Promise<ProgramOutcome> {
  const { PATH = "", KUBECONFIG = "" } = cluster.environment;
  const { folder } = cluster;
  return runProgram({
    args: [...args, `--namespace=${NAMESPACE}`],
    env: {
      ...{ PATH, KUBECONFIG, KUBECACHEDIR: `${folder}/kube`, HELM_CACHE_HOME: `${folder}/cache` },
      ...{ HELM_CONFIG_HOME: `${folder}/config`, HELM_DATA_HOME: `${folder}/data` },
    },
    stdin,
  });
}

/** Everything of ours in the cluster, with what tells whether it was touched. */
async function objects(cluster: Cluster): Promise<string[]> {
  const kinds = "namespaces,daemonsets,configmaps,secrets,serviceaccounts,clusterroles,pods";
  const text = await cluster.kubectl(
    ...["get", kinds, "--all-namespaces", "--no-headers"],
    "--output=custom-columns=:.kind,:.metadata.name,:.metadata.uid,:.metadata.resourceVersion",
  );
  return text.split("\n").filter((line) => /headcni|^Namespace +net /.test(line));
}

/** What the controller of DaemonSets tells when one node has what was asked for last. */
async function completeRollout(cluster: Cluster, generation: number): Promise<void> {
  const name = ["--namespace", NAMESPACE, "daemonset", "headcni"];
  await until(`generation ${generation}`, async () => {
    const seen = await cluster.try([
      ...["kubectl", "get", ...name, "--output=jsonpath={.metadata.generation}"],
    ]);
    return seen.stdout === String(generation);
  });
  const status = {
    observedGeneration: generation,
    ...{ desiredNumberScheduled: 1, currentNumberScheduled: 1, updatedNumberScheduled: 1 },
    ...{ numberReady: 1, numberAvailable: 1, numberMisscheduled: 0 },
  };
  await cluster.kubectl(
    ...["patch", ...name, "--subresource=status", "--type=merge"],
    `--patch=${JSON.stringify({ status })}`,
  );
}

async function revisions(cluster: Cluster): Promise<string[]> {
  const text = await cluster.run([
    ...["helm", `--namespace=${NAMESPACE}`, "history", "headcni", "--output=json"],
  ]);
  return JSON.parse(text).map((each: { revision: number; status: string }) =>
    `${each.revision} ${each.status}`
  );
}

kubernetesTest("headcni cluster: install, status, upgrade and back, uninstall", async (cluster) => {
  const node = { apiVersion: "v1", kind: "Node", metadata: { name: "edge-1" } };
  await cluster.run(["kubectl", "create", "--filename=-"], JSON.stringify(node));
  const chart = ["--chart", CHART];
  const url = "https://h.example.com/'\"\\$(id)";
  const line = [
    ...["cluster", "install", ...chart, "--headscale-url", url, "--auth-key-file", "-"],
    ...["--pod-cidr", "10.42.0.0/16,fd00:42::/48", "--service-cidr", "10.43.0.0/16"],
    ...["--ipam-type", "host-local", "--image-repo", "registry.example/headcni"],
  ];

  assertEquals(await objects(cluster), []);
  const dry = await headcni(cluster, [...line, "--dry-run"], KEY);
  assertEquals(dry.code, 0, dry.stderr);
  assertStringIncludes(dry.stdout, "kind: DaemonSet");
  assertEquals(dry.stdout.includes(KEY), false);
  assertEquals(await objects(cluster), []);

  const [installed] = await Promise.all([
    headcni(cluster, line, KEY),
    completeRollout(cluster, 1),
  ]);
  assertEquals(installed.code, 0, installed.stderr);
  const secret = JSON.parse(
    await cluster.kubectl("--namespace", NAMESPACE, "get", "secret", "headcni-auth", "-o", "json"),
  );
  assertEquals(secret.data, { "auth-key": btoa(KEY) });
  assertEquals(secret.metadata.annotations, undefined);

  const told = await headcni(cluster, ["cluster", "status", "--output", "json"]);
  assertEquals(told.code, 0, told.stderr);
  const { nodes, daemonset, cni }: ClusterStatus = JSON.parse(told.stdout);
  assertEquals(nodes.map(({ name, pod }) => [name, pod]), [["edge-1", null]]);
  assertEquals([daemonset?.name, daemonset?.ready, cni.release?.revision], ["headcni", 1, 1]);

  // Nobody makes the pods of it: the rollout does not come to its end.
  const upgrade = ["cluster", "upgrade", ...chart, "--image-tag", "next", "--timeout", "5"];
  const [failed] = await Promise.all([headcni(cluster, upgrade), completeRollout(cluster, 3)]);
  assertEquals(failed.code, 1);
  assertStringIncludes(failed.stderr, "revision 1 is back");
  assertEquals(await revisions(cluster), ["1 superseded", "2 superseded", "3 deployed"]);
  const [done] = await Promise.all([headcni(cluster, upgrade), completeRollout(cluster, 4)]);
  assertEquals([done.code, done.stdout], [0, "Upgraded 1 nodes\n"], done.stderr);
  const settings = await cluster.kubectl(
    ...["--namespace", NAMESPACE, "get", "configmap", "headcni-config", "--output=json"],
  );
  // What was set stays.
  const { headscale, network, ipam } = parseYaml(JSON.parse(settings).data["daemon.yaml"]);
  assertEquals([headscale.url, network, ipam], [
    url,
    { podCIDR: { base: "10.42.0.0/16,fd00:42::/48" }, serviceCIDR: "10.43.0.0/16" },
    { type: "host-local" },
  ]);

  const before = await objects(cluster);
  const asked = await headcni(cluster, ["cluster", "uninstall", "--dry-run"]);
  assertEquals(asked.code, 0, asked.stderr);
  assertEquals(await objects(cluster), before);
  const saved = `${cluster.folder}/daemon.yaml`;
  const gone = await headcni(cluster, [
    "cluster",
    "uninstall",
    "--force",
    "--save-settings",
    saved,
  ]);
  assertEquals(gone.code, 0, gone.stderr);
  assertStringIncludes(await Deno.readTextFile(saved), "10.42.0.0/16,fd00:42::/48");
  assertEquals(
    (await objects(cluster)).map((line) => line.split(/ +/).slice(0, 2)),
    [["Namespace", NAMESPACE]],
  );

  const none = await headcni(cluster, ["status", "--node", "edge-1"]);
  assertEquals(none.code, 1);
  assertStringIncludes(none.stderr, "it has no pod of HeadCNI");
});

kubernetesTest("headcni --node: a user who may not look is told so", async (cluster) => {
  const token = ["create", "token", "nobody"];
  await cluster.kubectl("create", "namespace", NAMESPACE);
  await cluster.kubectl("--namespace", NAMESPACE, "create", "serviceaccount", "nobody");
  const user = (await cluster.kubectl("--namespace", NAMESPACE, ...token)).trim();
  const config = JSON.parse(await Deno.readTextFile(cluster.kubeconfig));
  config.users[0].user = { token: user };
  const kubeconfig = `${cluster.folder}/nobody`;
  await Deno.writeTextFile(kubeconfig, JSON.stringify(config));
  const { code, stderr } = await headcni(
    cluster,
    ["status", "--all-nodes", "--kubeconfig", kubeconfig],
  );
  assertEquals(code, 1);
  assertStringIncludes(stderr, "lacks that right");
});
