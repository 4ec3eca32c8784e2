/** The chart in a real API server: what it takes, and what the daemon may then. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { fromFileUrl, join } from "@std/path";
import { parse as parseYaml, stringify } from "yaml";
import { KubeClient, KubeError } from "../../lib/kube/client.ts";
import { pause } from "../../lib/pause.ts";
import { CHART, HELM, render, type RenderOptions } from "./helm.ts";
import { type Cluster, kubernetesTest } from "./kubernetes.ts";

/** How long a policy may take to be in force, and between two attempts. */
const PATIENCE_MS = 60_000;
const ASK_AGAIN_MS = 50;

const DEPLOY = fromFileUrl(new URL("../../scripts/deploy-with-helm.sh", import.meta.url));

const NAMESPACE = "headcni";
const ACCOUNT = `system:serviceaccount:${NAMESPACE}:headcni`;

/** Everything that the chart can make, but for objects of operators. */
const ALL: RenderOptions["values"] = {
  config: {
    headscale: { url: "https://headscale.example.com", authKey: "hs-key" },
    tailscale: { mode: "own", authKey: "ts-key", mtu: 1400 },
    logging: { file: { path: "/var/log/pods/daemon.log" } },
  },
  cniPlugins: [{ name: "portmap", enabled: true, priority: 1, config: '{"type":"portmap"}' }],
  imagePullSecrets: [{ name: "registry" }],
  serviceAccount: { annotations: { "example.com/a": "b" } },
  nodeSelector: { "example.com/zone": "a" },
  affinity: {
    nodeAffinity: {
      requiredDuringSchedulingIgnoredDuringExecution: {
        nodeSelectorTerms: [{ matchExpressions: [{ key: "edge", operator: "DoesNotExist" }] }],
      },
    },
  },
  podAnnotations: { note: "x" },
  podLabels: { team: "net" },
  podSecurityContext: { seLinuxOptions: { type: "spc_t" } },
  extraEnv: [{ name: "HTTPS_PROXY", value: "http://192.0.2.1:3128" }],
  extraVolumes: [{ name: "ca", hostPath: { path: "/etc/ssl/certs" } }],
  extraVolumeMounts: [{ name: "ca", mountPath: "/etc/ssl/certs", readOnly: true }],
  metrics: { service: { enabled: true, annotations: { a: "b" } } },
  tailscaled: { extraEnv: [{ name: "TS_DEBUG_FIREWALL_MODE", value: "nftables" }] },
};

/** What `kubectl get` is asked for to see what is left. */
const KINDS = [
  ...["daemonset", "configmap", "secret", "serviceaccount", "service", "clusterrole"],
  ...["clusterrolebinding", "validatingadmissionpolicy", "validatingadmissionpolicybinding"],
].join();

kubernetesTest("the API server takes every object, and knows every field", async (cluster) => {
  await cluster.kubectl("create", "namespace", NAMESPACE);
  // A controller that is not there would make it.
  await cluster.kubectl("--namespace", NAMESPACE, "create", "serviceaccount", "default");
  const rows: readonly RenderOptions["values"][] = [
    {},
    ALL,
    {
      securityContext: { privileged: true },
      tailscaled: { securityContext: { privileged: true } },
    },
    { secret: { existingName: "mine", tailscaleKey: "key" }, appArmor: "RuntimeDefault" },
    { config: { monitoring: { enabled: false } }, updateStrategy: { type: "OnDelete" } },
  ];
  const args = [
    `--namespace=${NAMESPACE}`,
    "--api-versions=admissionregistration.k8s.io/v1/ValidatingAdmissionPolicy",
  ];
  for (const values of rows) {
    const text = (await render({ values, args })).map((object) => stringify(object)).join("---\n");
    await cluster.run(
      ["kubectl", "apply", "--dry-run=server", "--validate=strict", "--filename=-"],
      text,
    );
  }
});

kubernetesTest("Helm installs, upgrades, rolls back and uninstalls", async (cluster) => {
  const helm = (...args: string[]) => cluster.run([HELM.path, `--namespace=${NAMESPACE}`, ...args]);
  const file = join(cluster.folder, "values.yaml");
  await Deno.writeTextFile(file, stringify(ALL));
  const install = ["upgrade", "--install", "headcni", CHART, `--values=${file}`];
  await helm(...install, "--create-namespace", "--dry-run=server");
  const notes = await helm(...install, "--create-namespace");
  assertStringIncludes(notes, "WARNING: a key stands in the values");
  assertEquals(
    await mine(cluster),
    [
      "clusterrole.rbac.authorization.k8s.io/headcni",
      "clusterrolebinding.rbac.authorization.k8s.io/headcni",
      "configmap/headcni-config",
      "daemonset.apps/headcni",
      "daemonset.apps/headcni-tailscaled",
      "secret/headcni-auth",
      "service/headcni-metrics",
      "serviceaccount/headcni",
      "validatingadmissionpolicy.admissionregistration.k8s.io/headcni-own-node",
      "validatingadmissionpolicybinding.admissionregistration.k8s.io/headcni-own-node",
    ],
  );
  const generation = (name: string) =>
    cluster.kubectl(
      ...["--namespace", NAMESPACE, "get", "daemonset", name],
      "--output=jsonpath={.metadata.generation}",
    );
  await helm(...install, "--set=config.network.mtu=1300");
  // The rollout is of the daemon alone: no tunnel is cut for a setting of the daemon.
  assertEquals([await generation("headcni"), await generation("headcni-tailscaled")], ["2", "1"]);
  await helm("rollback", "headcni", "1");
  assertEquals(await generation("headcni"), "3");
  await helm("uninstall", "headcni");
  assertEquals(await mine(cluster), []);
});

kubernetesTest(
  "deploy-with-helm.sh puts the keys into a Secret, and the rest to Helm",
  async (cluster) => {
    const key = "k'e\"y\\$(id)";
    const url = "https://h.example.com/'\"\\$(id)";
    const args = ["-n", NAMESPACE, "-u", url, "-p", "10.42.0.0/16", "-k", "-", "--no-wait"];
    for (const round of [1, 2]) {
      const dry = await cluster.try([DEPLOY, ...args, "--dry-run"], key);
      assertEquals(dry.code, 0, dry.stderr);
      assertEquals(await revisions(cluster), round - 1);
      await cluster.run([DEPLOY, ...args], key);
      assertEquals(await revisions(cluster), round);
    }
    const get = async (...words: string[]) =>
      JSON.parse(await cluster.kubectl("--namespace", NAMESPACE, "get", ...words, "--output=json"));
    const secret = await get("secret", "headcni-auth");
    assertEquals(secret.data, { "auth-key": btoa(key) });
    assertEquals(secret.metadata.annotations, undefined);
    const joinKey = "hskey-auth-7f3a";
    const flags = ["--namespace", NAMESPACE, "--headscale-url", url, "--no-wait"];
    await cluster.run([DEPLOY, ...flags, "--join-key-file", "-"], joinKey);
    const withBoth = await get("secret", "headcni-auth");
    assertEquals(withBoth.data, { "auth-key": btoa(key), "tailscale-auth-key": btoa(joinKey) });
    const { data } = await get("configmap", "headcni-config");
    assertEquals(parseYaml(data["daemon.yaml"]).headscale, {
      url,
      authKeyFile: "/etc/headcni-secret/auth-key",
    });
    const { metadata } = await get("namespace", NAMESPACE);
    assertEquals(metadata.labels["pod-security.kubernetes.io/enforce"], "privileged");
  },
);

kubernetesTest("the daemon's account may do its work, and nothing else", async (cluster) => {
  await cluster.run([
    HELM.path,
    "install",
    "headcni",
    CHART,
    `--namespace=${NAMESPACE}`,
    "--create-namespace",
  ]);
  const may = async (verb: string, what: string, ...args: string[]) =>
    (await cluster.try(["kubectl", "auth", "can-i", verb, what, `--as=${ACCOUNT}`, ...args])).stdout
      .trim();
  for (const verb of ["get", "watch", "patch"]) assertEquals(await may(verb, "nodes"), "yes", verb);
  assertEquals(await may("patch", "nodes", "--subresource=status"), "yes");
  const refused = [
    ...["list", "create", "update", "delete", "deletecollection"].map((verb) => [verb, "nodes"]),
    ...["get", "list", "create"].flatMap((verb) =>
      ["pods", "secrets", "configmaps", "services", "serviceaccounts/token"].map((
        what,
      ) => [verb, what])
    ),
  ];
  for (const [verb = "", what = ""] of refused) {
    assertEquals(await may(verb, what, "--all-namespaces"), "no", `${verb} ${what}`);
  }
  assertEquals(await may("update", "nodes", "--subresource=status"), "no");
});

kubernetesTest(
  "the daemon's client works by the token of its pod, on its own node alone",
  async (cluster) => {
    await cluster.run([
      HELM.path,
      "install",
      "headcni",
      CHART,
      `--namespace=${NAMESPACE}`,
      "--create-namespace",
    ]);
    for (const name of ["node1", "node2"]) {
      await cluster.run(
        ["kubectl", "create", "--filename=-"],
        stringify({
          apiVersion: "v1",
          kind: "Node",
          metadata: { name },
          spec: { podCIDR: "10.9.1.0/24", podCIDRs: ["10.9.1.0/24"] },
        }),
      );
    }
    const token = await podToken(cluster, "node1");
    using client = new KubeClient({
      source: "pod",
      server: cluster.url,
      caPem: cluster.caPem,
      client: undefined,
      token: () => token,
    });
    const node = await client.getNode("node1");
    assertEquals(node.podCidrs, ["10.9.1.0/24"]);

    const end = new AbortController();
    const events = client.watchNode("node1", node.resourceVersion, end.signal);
    await client.patchNode("node1", { metadata: { annotations: { "headcni.pod.cidr": "x" } } });
    for await (const event of events) {
      if (event.type !== "node") continue;
      assertEquals(event.node.annotations["headcni.pod.cidr"], "x");
      break;
    }
    end.abort();
    const condition = { type: "NetworkUnavailable", status: "False", reason: "HeadCNIIsUp" };
    await client.patchNode("node1", { status: { conditions: [condition] } }, "status");
    assertEquals((await client.getNode("node1")).networkUnavailable, "False");

    for (const subresource of ["", "status"]) {
      const error = await refusal(() =>
        client.patchNode("node2", { metadata: { annotations: { a: "b" } } }, subresource)
      );
      assertEquals(error.status, 403);
      assertStringIncludes(error.message, "HeadCNI changes only the node that it runs on");
    }
  },
);

/** What something is refused with: the API server learns of a policy a little later than it takes it. */
async function refusal(act: () => Promise<void>): Promise<KubeError> {
  const end = AbortSignal.timeout(PATIENCE_MS);
  while (!end.aborted) {
    try {
      await act();
    } catch (error) {
      if (error instanceof KubeError) return error;
      throw error;
    }
    await pause(ASK_AGAIN_MS);
  }
  throw new Error("Cannot see a refusal: everything was taken");
}

/** Names of what a release of the chart has in the cluster. */
async function mine(cluster: Cluster): Promise<string[]> {
  const selector = "--selector=app.kubernetes.io/instance=headcni";
  const text = await cluster.kubectl("get", KINDS, "--all-namespaces", selector, "--output=name");
  return text.split("\n").filter((line) => line !== "").toSorted();
}

/** How often Helm has put the release there. */
async function revisions(cluster: Cluster): Promise<number> {
  const history = ["history", "headcni", `--namespace=${NAMESPACE}`, "--output=json"];
  const { code, stdout } = await cluster.try([HELM.path, ...history]);
  return code === 0 ? JSON.parse(stdout).length : 0;
}

/** The token that the kubelet would mount in the daemon's pod on a node. */
async function podToken(cluster: Cluster, nodeName: string): Promise<string> {
  const name = `daemon-${nodeName}`;
  const spec = {
    nodeName,
    serviceAccountName: "headcni",
    containers: [{ name: "daemon", image: "localhost/headcni" }],
  };
  const pod = { apiVersion: "v1", kind: "Pod", metadata: { name, namespace: NAMESPACE }, spec };
  await cluster.run(["kubectl", "create", "--filename=-"], stringify(pod));
  const bound = ["--bound-object-kind=Pod", `--bound-object-name=${name}`];
  return (await cluster.kubectl("--namespace", NAMESPACE, "create", "token", "headcni", ...bound))
    .trim();
}
