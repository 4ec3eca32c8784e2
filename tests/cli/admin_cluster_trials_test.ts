/** connect-test and diagnostics of nodes, from a workstation, against a kubectl that notes what it is told. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import type { ConnectReport } from "../../commands/admin/connect_test/report.ts";
import { clusterOf, daemonPod } from "../fakes/cluster.ts";
import { type RecordedAnswer, type RecordedCall, RecordedTools } from "../fakes/recorded_tools.ts";
import { runAdmin } from "../fakes/run_admin.ts";
import { run } from "../netns/namespace.ts";

const NODES = ["edge-1", "edge-2"];

/** The pods of a trial as the API server tells them: two on the first node. */
const TRIAL_PODS = JSON.stringify({
  items: ["edge-1", "edge-2", "edge-1"].map((nodeName, index) => ({
    metadata: { name: `trial-${index}` },
    spec: { nodeName },
    status: { phase: "Running", podIPs: [{ ip: `10.42.${index}.7` }] },
  })),
});

const LIST: RecordedAnswer = { match: "*'get pods'*headcni-connect-test*", stdout: TRIAL_PODS };
const ANSWERS: RecordedAnswer = { match: "*exec*", stdout: "ok\nok\n" };

async function connectTest(
  answers: readonly RecordedAnswer[],
  ...args: readonly string[]
): Promise<{ code: number; stderr: string; report: ConnectReport; calls: RecordedCall[] }> {
  const pods = NODES.map((node) => daemonPod(node));
  await using tools = await RecordedTools.make({
    kubectl: [...answers, ...clusterOf(pods, NODES)],
  });
  const { code, stdout, stderr } = await runAdmin(
    ["connect-test", "--all-nodes", "--output", "json", ...args],
    { PATH: `${tools.path}:${Deno.env.get("PATH")}` },
  );
  return { code, stderr, report: JSON.parse(stdout), calls: await tools.takeCalls() };
}

function verdictsOf({ trials }: ConnectReport): string[] {
  return trials.map(({ id, verdict }) => `${id} ${verdict}`);
}

Deno.test("connect-test --all-nodes: pods on each node, tried and removed", async () => {
  const outside = ["--external", "192.0.2.7:443"];
  const { code, stderr, report, calls } = await connectTest([LIST, ANSWERS], ...outside);
  assertEquals([code, stderr], [0, ""]);
  assertEquals(verdictsOf(report), [
    ...["daemon passed", "attach passed", "pod-to-pod passed", "other-nodes passed"],
    ...["dns passed", "service passed", "external passed", "detach passed"],
  ]);
  const create = calls.find(({ args }) => args.includes("create"));
  const { items } = JSON.parse(create?.stdin ?? "");
  const specs = items.map(({ spec }: { spec: Record<string, unknown> }) => spec);
  assertEquals(specs.map(({ nodeName }: { nodeName: string }) => nodeName), [
    ...["edge-1", "edge-2", "edge-1"],
  ]);
  assertEquals(specs[0].activeDeadlineSeconds, 900);
  const instance = items[0].metadata.labels["app.kubernetes.io/instance"];
  const last = calls.at(-1);
  assert(last?.args.includes("delete"));
  assert(last?.args.some((arg) => arg.endsWith(`app.kubernetes.io/instance=${instance}`)));
  const attempts = report.trials.find(({ id }) => id === "other-nodes")?.attempts ?? [];
  assertEquals(attempts.toSorted(), [
    "edge-1 -> edge-2 10.42.1.7",
    "edge-1 -> edge-2 10.42.1.7",
    "edge-2 -> edge-1 10.42.0.7",
    "edge-2 -> edge-1 10.42.2.7",
  ]);
  const connect = calls.find(({ args }) => args.includes("192.0.2.7"));
  assertEquals(connect?.args.slice(-2), ["192.0.2.7", "443"]);
  // Each tool of a script has its deadline.
  const scripts = calls.flatMap(({ args }) => args).filter((arg) => /\b(nc|ping) /.test(arg));
  assert(scripts.length > 0);
  for (const script of scripts) {
    const tools = script.match(/\b(nc|ping) /g)?.length;
    assertEquals(script.match(/ -[wW] \d+ /g)?.length, tools, script);
  }
});

Deno.test("connect-test --all-nodes: one answer that is missing fails its trial alone", async () => {
  const broken = { match: "*exec*trial-1*ping*", stdout: "ok\nno\n" };
  const { code, stderr, report } = await connectTest([LIST, broken, ANSWERS]);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "1 of 8 trials failed");
  const failed = report.trials.filter(({ verdict }) => verdict === "failed");
  assertEquals(failed.map(({ id, text }) => [id, text]), [
    ["other-nodes", "edge-2 -> edge-1 10.42.2.7: no answer"],
  ]);
});

Deno.test("connect-test --all-nodes: pods that do not start are told and removed", async () => {
  const waiting = JSON.parse(TRIAL_PODS);
  waiting.items[1].status = {
    phase: "Pending",
    containerStatuses: [{
      state: { waiting: { reason: "ErrImagePull", message: "no such image" } },
    }],
  };
  const answers = [
    { match: "*' wait '*", code: 1, stderr: "timed out" },
    { ...LIST, stdout: JSON.stringify(waiting) },
  ];
  const image = "registry.example/$(id) 'x':1";
  const { code, report, calls } = await connectTest(answers, "--image", image);
  assertEquals(code, 1);
  assertEquals(verdictsOf(report).filter((text) => !text.endsWith("skipped")), [
    ...["daemon passed", "attach failed", "detach passed"],
  ]);
  assertStringIncludes(report.trials[1]?.text ?? "", "edge-2: no such image");
  const create = calls.find(({ args }) => args.includes("create"));
  assertEquals(JSON.parse(create?.stdin ?? "").items[0].spec.containers[0].image, image);
  assert(calls.at(-1)?.args.includes("delete"));
});

Deno.test("connect-test --all-nodes: a cluster that forbids pods", async () => {
  const stderr =
    'Error from server (Forbidden): pods is forbidden: User "jo" cannot create resource';
  const { code, report } = await connectTest([{ match: "*' create '*", code: 1, stderr }]);
  assertEquals(code, 1);
  assertStringIncludes(report.trials[1]?.text ?? "", "lacks that right");
});

Deno.test("diagnostics --all-nodes: each node's bundle as it came, and one of Kubernetes", async () => {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  // Bytes that are no text.
  const script = "printf '\\037\\213\\000\\377of %s' \"$*\" | head -c 12";
  const secret = "- name: TS_AUTHKEY\n  value: Kq7vZt1xW9\n";
  await using tools = await RecordedTools.make({
    kubectl: [
      { match: "*exec*headcni-edge-1*", script },
      { match: "*exec*headcni-edge-2*", stdout: "half", stderr: "no root\n", code: 1 },
      { match: "*daemonsets*", stdout: secret },
      ...clusterOf(NODES.map((node) => daemonPod(node)), NODES),
    ],
  });
  try {
    const out = `${folder}/bundles`;
    const { code, stdout, stderr } = await runAdmin(
      ["diagnostics", "--all-nodes", "--output-dir", out, "--include-yaml", "--include-logs"],
      { PATH: `${tools.path}:${Deno.env.get("PATH")}` },
    );
    assertEquals(code, 1);
    assertStringIncludes(stderr, 'Cannot collect on node "edge-2": no root');
    const [first = "", kubernetes = "", ...more] = stdout.trim().split("\n");
    assertEquals([more, Array.from(Deno.readDirSync(out)).length], [[], 2]);
    assertEquals((await Deno.readFile(first)).subarray(0, 4), Uint8Array.of(31, 139, 0, 255));
    for (const path of [first, kubernetes]) {
      assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
    }
    const names = await run("tar", "-tzf", kubernetes);
    for (const name of ["nodes.yaml", "objects.yaml", "headcni-edge-1-previous.log"]) {
      assertStringIncludes(names, `kubernetes/${name}`);
    }
    const objects = await run("tar", "-xzOf", kubernetes, "kubernetes/objects.yaml");
    assertEquals(objects.includes("Kq7vZt1xW9"), false);
    const calls = await tools.takeCalls();
    const exec = calls.find(({ args }) => args.includes("headcni-edge-1") && args.includes("exec"));
    assertEquals(exec?.args.slice(-4), ["diagnostics", "--output-file", "-", "--include-logs"]);
    assert(!calls.some(({ args }) => args.some((arg) => /secret/i.test(arg))));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
