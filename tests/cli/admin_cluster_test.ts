/** `headcni cluster`, against a kubectl and a Helm that note what they are told. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ClusterStatus } from "../../commands/admin/cluster/status.ts";
import { clusterOf, daemonPod } from "../fakes/cluster.ts";
import { RecordedTools } from "../fakes/recorded_tools.ts";
import { runAdmin } from "../fakes/run_admin.ts";
import {
  changes,
  CHART,
  cluster,
  daemonSet,
  HELM_VERSION,
  history,
  NODES,
  VERSION,
  wordsOf,
  type Workstation,
} from "./workstation.ts";

const KEY = "Kq7vZt1xW9";

Deno.test("cluster install: namespace, Secret and release, and waits for all nodes", async () => {
  const { code, stdout, stderr, calls } = await cluster(
    { stdin: `${KEY}\n` },
    ...["install", "--headscale-url", "https://h.example", "--auth-key-file", "-", "-n", "net"],
    ...["--pod-cidr", "10.42.0.0/16", "--image-tag", "0.2.0", "--values", "/v.yaml", ...CHART],
  );
  assertEquals([code, stdout], [
    0,
    'Installed on 2 nodes; "headcni cluster status" tells more\n',
  ], stderr);
  assertEquals(changes(calls), [
    "kubectl create --filename=-",
    "kubectl apply --server-side --force-conflicts --field-manager=headcni-auth-key --filename=-",
    "helm upgrade headcni /charts/headcni --install --reset-then-reuse-values --history-max=10 " +
    "--values=/v.yaml --values=-",
  ]);
  const create = calls.find(({ args }) => args.includes("create"));
  const { kind, metadata } = JSON.parse(create?.stdin ?? "");
  assertEquals([kind, metadata], ["Namespace", {
    name: "net",
    labels: { "pod-security.kubernetes.io/enforce": "privileged" },
  }]);
  const apply = calls.find(({ args }) => args.includes("apply"));
  const secret = JSON.parse(apply?.stdin ?? "");
  assertEquals([secret.metadata.name, secret.metadata.namespace], ["headcni-auth", "net"]);
  assertEquals(secret.metadata.labels["app.kubernetes.io/managed-by"], "headcni");
  assertEquals(atob(secret.data["auth-key"]), KEY);
  const upgrade = calls.find(({ args }) => args.includes("upgrade"));
  assertEquals(JSON.parse(upgrade?.stdin ?? ""), {
    image: { tag: "0.2.0" },
    config: {
      headscale: { url: "https://h.example" },
      network: { podCIDR: { base: "10.42.0.0/16" } },
    },
    secret: { existingName: "headcni-auth", headscaleKey: "auth-key" },
  });
  assertEquals(
    wordsOf(calls.at(-2) ?? { tool: "", args: [], stdin: "" }),
    [
      "kubectl rollout status daemonset/headcni --timeout=300s",
    ].join(),
  );
  // The key is nowhere but in the Secret.
  for (const { args } of calls) assertEquals(args.join(" ").includes(KEY), false);
  assertEquals([stdout, stderr, upgrade?.stdin].join().includes(KEY), false);
});

Deno.test("cluster install: hostile values come to Helm as they are", async () => {
  const hostile = "a'b\"c $(id) `x` \\ {{ .Values }}\n--set x=y";
  const { code, calls } = await cluster(
    {},
    ...["install", "--headscale-url", hostile, "--image-repo", hostile, ...CHART],
  );
  assertEquals(code, 0);
  const upgrade = calls.find(({ args }) => args.includes("upgrade"));
  const { image, config } = JSON.parse(upgrade?.stdin ?? "");
  assertEquals([image.repository, config.headscale.url], [hostile, hostile]);
});

Deno.test("cluster install --dry-run: asks, prints, and changes nothing", async () => {
  const key = await Deno.makeTempFile();
  await Deno.writeTextFile(key, KEY);
  const helm = [{ match: "*--dry-run*", stdout: "MANIFEST\n" }];
  const { code, stdout, stderr, calls } = await cluster(
    { helm },
    ...["install", "--dry-run", "--join-key-file", key, ...CHART],
  );
  await Deno.remove(key);
  assertEquals([code, stdout], [0, "MANIFEST\n"]);
  assertStringIncludes(stderr, 'Would make namespace "kube-system"');
  assertStringIncludes(stderr, 'Would write Secret "headcni-auth"');
  const [upgrade, ...others] = changes(calls);
  assertEquals(others, []);
  assertStringIncludes(upgrade ?? "", "--dry-run");
});

Deno.test("cluster install: a rollout that does not end names the nodes that have not", async () => {
  const pods = [
    daemonPod("edge-1"),
    daemonPod("edge-2", { state: { waiting: { reason: "ImagePullBackOff" } } }),
  ];
  const kubectl = [{ match: "*rollout*", stderr: "error: timed out\n", code: 1 }];
  const { code, stderr } = await cluster({ kubectl, pods, ready: 1 }, "install", ...CHART);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "Cannot finish the rollout in 300 s: 1 nodes are not ready");
  assertStringIncludes(
    stderr,
    "edge-2: pod headcni-edge-2 does not run: Running (ImagePullBackOff)",
  );
});

/** What is missing or too old, and what is said. */
const UNFIT: readonly (readonly [string, Workstation, readonly string[]])[] = [
  ["Kubernetes is too old", {
    kubectl: [{ match: "*version*", stdout: '{"serverVersion":{"gitVersion":"v1.19.16"}}' }],
  }, ['Cannot use Kubernetes "v1.19.16": 1.20 or newer wanted']],
  ["Helm is too old", { helm: [{ match: "*version*", stdout: "v3.9.4" }] }, [
    'Cannot use Helm "v3.9.4": 3.14 or newer wanted',
  ]],
  ["no cluster answers", {
    kubectl: [{ match: "*", stderr: "Unable to connect to the server: EOF\n", code: 1 }],
  }, ["Cannot reach the cluster", "--context"]],
  ["Helm refuses", {
    helm: [{ match: "*upgrade*", stderr: "Error: values don't meet the schema\n", code: 1 }],
  }, ["Cannot put release", "values don't meet the schema"]],
];

for (const [name, workstation, texts] of UNFIT) {
  Deno.test(`cluster install: ${name}`, async () => {
    const { code, stdout, stderr } = await cluster(workstation, "install", ...CHART);
    assertEquals([code, stdout], [1, ""]);
    for (const text of texts) assertStringIncludes(stderr, text);
  });
}

Deno.test("cluster install: without tools, without a chart, with two keys at once", async () => {
  const bare = await runAdmin(["cluster", "install", ...CHART], { PATH: "/nonexistent" });
  assertEquals([bare.code, bare.stderr], [
    1,
    'headcni: Cannot run "kubectl": it is not there; install it\n',
  ]);
  const keys = ["--auth-key-file", "-", "--join-key-file", "-"];
  const twice = await cluster({}, "install", ...keys, ...CHART);
  assertEquals(twice.code, 2);
  assertStringIncludes(twice.stderr, "Cannot read two keys from standard input");
  const empty = await cluster({ stdin: "" }, "install", "--auth-key-file", "-", ...CHART);
  assertStringIncludes(empty.stderr, "nothing is in standard input");
  assertEquals(changes(empty.calls).filter((words) => words.includes("helm")), []);
});

const DEPLOYED = { match: "'history '*", stdout: history([4, "deployed"]) };

Deno.test("cluster upgrade: what was set stays, and only what is said changes", async () => {
  const { code, stdout, calls } = await cluster(
    { helm: [DEPLOYED] },
    ...["upgrade", "--image-tag", "0.2.0", "--timeout", "60", ...CHART],
  );
  assertEquals([code, stdout], [0, "Upgraded 2 nodes\n"]);
  const upgrade = calls.find(({ args }) => args.includes("upgrade"));
  assert(upgrade?.args.includes("--reset-then-reuse-values"));
  assertEquals(JSON.parse(upgrade?.stdin ?? ""), { image: { tag: "0.2.0" } });
});

Deno.test("cluster upgrade: a rollout that fails brings the revision of before back", async () => {
  await using tools = await RecordedTools.make({});
  const counted = (name: string) =>
    `n=$(cat ${tools.path}/${name} 2>/dev/null || echo 0); ` +
    `echo $((n + 1)) >${tools.path}/${name}; `;
  // The revision grows with the upgrade; the rollout fails once, and then succeeds.
  await tools.answer("helm", [
    HELM_VERSION,
    {
      match: "'history '*",
      script: `${counted("asked")} case $n in 0) echo '${history([4, "deployed"])}';; ` +
        `*) echo '${history([5, "deployed"])}';; esac`,
    },
  ]);
  await tools.answer("kubectl", [
    {
      match: "*rollout*",
      script: `${counted("rolled")} case $n in 0) echo 'timed out' >&2; exit 1;; esac`,
    },
    VERSION,
    daemonSet(1),
    ...clusterOf([daemonPod("edge-1", { state: { terminated: { reason: "Error" } } })], NODES),
  ]);
  const key = `${tools.path}/key`;
  await Deno.writeTextFile(key, KEY);
  const { code, stdout, stderr } = await runAdmin(
    ["cluster", "upgrade", "--image-tag", "bad", "--auth-key-file", key, ...CHART],
    { PATH: `${tools.path}:${Deno.env.get("PATH")}` },
  );
  assertEquals([code, stdout], [1, ""]);
  assertStringIncludes(stderr, 'revision 4 is back; Secret "headcni-auth" keeps its new keys');
  assertStringIncludes(stderr, "edge-1: pod headcni-edge-1 does not run");
  const words = (await tools.takeCalls()).map(wordsOf);
  const at = words.indexOf("helm rollback headcni 4");
  assert(at > 0, words.join("\n"));
  assert(words.slice(at).some((line) => line.startsWith("kubectl rollout status")));
});

Deno.test("cluster upgrade: a revision that does not come back is not said to be back", async () => {
  await using tools = await RecordedTools.make({ kubectl: [VERSION, daemonSet(1)] });
  const { path } = tools;
  await tools.answer("helm", [
    HELM_VERSION,
    { match: "'rollback '*", stderr: "Error: locked\n", code: 1 },
    {
      match: "'upgrade '*",
      script: `touch ${path}/upgraded; echo "Error: refused" >&2; exit 1`,
    },
    {
      match: "'history '*",
      script: `[ -e ${path}/upgraded ] && echo '${history([5, "failed"])}' || ` +
        `echo '${history([4, "deployed"])}'`,
    },
  ]);
  const env = { PATH: `${path}:${Deno.env.get("PATH")}` };
  const { code, stderr } = await runAdmin(["cluster", "upgrade", ...CHART], env);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "and revision 4 is not back: ");
});

Deno.test("cluster uninstall: saves the settings for the nodes, and replaces no other file", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  const path = `${folder}/daemon.yaml`;
  const text = "dataDir: /srv/headcni\n";
  const settings = { match: "*'get configmaps --selector='*'instance=headcni '*", stdout: text };
  const uninstall = () =>
    cluster(
      { helm: [DEPLOYED], kubectl: [settings] },
      ...["uninstall", "--force", "--save-settings", path],
    );
  for (const _ of ["new", "there already"]) {
    const { code, stdout } = await uninstall();
    assertEquals([code, await Deno.readTextFile(path)], [0, text]);
    assertStringIncludes(stdout, `/opt/headcni/headcni uninstall --config ${path}`);
  }
  // The release is gone, and its Secret was left.
  const again = await cluster(
    { kubectl: [SECRET] },
    ...["uninstall", "--force", "--save-settings", path],
  );
  assertStringIncludes(again.stdout, `uninstall --config ${path}`);
  await Deno.writeTextFile(path, "other: 1\n");
  const { code, stderr, calls } = await uninstall();
  assertEquals([code, changes(calls), await Deno.readTextFile(path)], [2, [], "other: 1\n"]);
  assertStringIncludes(stderr, "--save-settings names another file");
  await Deno.remove(folder, { recursive: true });
});

Deno.test("cluster uninstall: where Helm cannot tell nothing is called gone", async () => {
  const helm = [{ match: "'history '*", stderr: "Error: forbidden\n", code: 1 }];
  const { code, stdout, stderr, calls } = await cluster(
    { helm, kubectl: [SECRET] },
    ...["uninstall", "--force"],
  );
  assertEquals([code, stdout, changes(calls)], [1, "", []]);
  assertStringIncludes(stderr, 'Cannot look for release "headcni": forbidden');
});

Deno.test("cluster upgrade: what Helm refuses beforehand leaves nothing to bring back", async () => {
  const helm = [DEPLOYED, { match: "*upgrade*", stderr: "Error: no such chart\n", code: 1 }];
  const { code, stderr, calls } = await cluster({ helm }, "upgrade", ...CHART);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "no such chart");
  assertEquals(changes(calls).some((words) => words.includes("rollback")), false);
});

Deno.test("cluster upgrade: where Helm cannot be asked again, what went wrong first is told", async () => {
  const script = `f=$(dirname "$0")/asked; [ -e $f ] && { echo 'Error: gone' >&2; exit 1; }; ` +
    `touch $f; echo '${history([4, "deployed"])}'`;
  const refused = { match: "*upgrade*", stderr: "Error: no such chart\n", code: 1 };
  const helm = [{ match: "'history '*", script }, refused];
  const { code, stderr } = await cluster({ helm }, "upgrade", ...CHART);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "no such chart");
});

Deno.test("cluster upgrade: without a release, and one that is not deployed", async () => {
  const none = await cluster({}, "upgrade", ...CHART);
  assertEquals(none.code, 2);
  assertStringIncludes(none.stderr, '"headcni cluster install" makes it');
  const helm = [{ match: "'history '*", stdout: history([4, "pending-upgrade"]) }];
  const pending = await cluster({ helm }, "upgrade", ...CHART);
  assertEquals([pending.code, changes(pending.calls)], [1, []]);
  assertStringIncludes(pending.stderr, "it is pending-upgrade; --force");
  assertEquals((await cluster({ helm }, "upgrade", "--force", ...CHART)).code, 0);
});

/** Only told of to who asks for those that are marked as ours. */
const SECRET = {
  match: "*'get secrets'*'--selector=app.kubernetes.io/managed-by=headcni'*",
  stdout: "secret/headcni-auth\n",
};

Deno.test("cluster uninstall: release and our Secret go, and dry-run changes nothing", async () => {
  const workstation = { helm: [DEPLOYED], kubectl: [SECRET] };
  const dry = await cluster(workstation, "uninstall", "--dry-run");
  assertEquals([dry.code, changes(dry.calls)], [0, []]);
  assertStringIncludes(dry.stdout, 'release "headcni", revision 4, on 2 nodes');
  assertStringIncludes(dry.stdout, 'Secret "headcni-auth"');
  const asked = await cluster({ ...workstation, stdin: "" }, "uninstall");
  assertEquals([asked.code, changes(asked.calls)], [2, []]);
  const done = await cluster(workstation, "uninstall", "--force");
  assertEquals([done.code, changes(done.calls)], [0, [
    "helm uninstall headcni --wait",
    "kubectl delete secrets headcni-auth",
  ]]);
  const none = await cluster({}, "uninstall", "--force");
  assertEquals([none.code, changes(none.calls)], [0, []]);
  assertStringIncludes(none.stdout, "There is nothing to take away");
});

Deno.test("cluster status: nodes, DaemonSet, pods, release and tailnet as JSON", async () => {
  const { code, stdout, stderr } = await cluster({ helm: [DEPLOYED] }, "status", "-o", "json");
  assertEquals([code, stderr], [0, ""]);
  const status: ClusterStatus = JSON.parse(stdout);
  assertEquals(status.nodes[0], {
    name: "edge-1",
    ready: true,
    kubelet: "v1.34.4",
    pod_cidr: "10.42.1.0/24",
    pod_cidr_source: "api-server",
    pod: "headcni-edge-1",
  });
  assertEquals(status.daemonset, {
    name: "headcni",
    namespace: "kube-system",
    desired: 2,
    current: 2,
    ready: 2,
    available: 2,
    up_to_date: 2,
  });
  assertEquals(status.pods[1], {
    name: "headcni-edge-2",
    node: "edge-2",
    phase: "Running",
    ready: true,
    restarts: 2,
    image: "localhost/headcni:1",
    trouble: null,
  });
  assertEquals(status.cni, {
    release: {
      ...{ name: "headcni", revision: 4, status: "deployed", chart: "headcni-0.1.0" },
      appVersion: "0.1.0",
    },
    trouble: null,
    images: ["localhost/headcni:1"],
    nodes_ready: 2,
  });
  assertEquals(status.tailscale.nodes[0], {
    node: "edge-1",
    addresses: ["100.64.0.7", "fd7a:115c:a1e0::7"],
    node_key: "nodekey:aa",
  });
});

Deno.test("cluster status: without a DaemonSet, or with a node that has no pod, the exit code is 1", async () => {
  const kubectl = [{ match: "*'get daemonsets'*", stdout: '{"items":[]}' }];
  const none = await cluster({ kubectl, pods: [] }, "status");
  assertEquals(none.code, 1);
  assertStringIncludes(none.stderr, 'Cannot find release "headcni"');
  const helm = [{ match: "'history '*", stderr: "Error: forbidden\n", code: 1 }];
  const half = await cluster({ helm, pods: [daemonPod("edge-1")], ready: 1 }, "status");
  assertEquals(half.code, 1);
  assertStringIncludes(half.stdout, "forbidden");
  assertStringIncludes(half.stderr, "1 of 2 nodes are ready");
});

Deno.test("cluster status: what does not run is told with its log, and the exit code is 1", async () => {
  const pods = [daemonPod("edge-1", { state: { waiting: { reason: "CrashLoopBackOff" } } })];
  const kubectl = [{ match: "*' logs '*", stdout: "Cannot use the settings\n" }];
  const { code, stdout, stderr } = await cluster(
    { pods, kubectl, ready: 0 },
    ...["status", "--show-logs"],
  );
  assertEquals(code, 1);
  assertStringIncludes(stdout, "edge-1  ready       NOT READY");
  assertStringIncludes(stdout, "CrashLoopBackOff");
  assertStringIncludes(stdout, "release    none");
  assertStringIncludes(stderr, "Cannot use the settings");
  assertStringIncludes(stderr, "0 of 2 nodes are ready, not edge-1");
});
