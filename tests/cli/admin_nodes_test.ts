/** Commands of a node, run from a workstation, against a kubectl that notes what it is told. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { clusterOf, daemonPod } from "../fakes/cluster.ts";
import { type RecordedAnswer, RecordedTools } from "../fakes/recorded_tools.ts";
import { runAdmin } from "../fakes/run_admin.ts";
import { type ProgramOutcome, runProgram } from "./program.ts";

const NODES = ["edge-1", "edge-2"];

/** A workstation with a kubectl that answers so beside what it knows of the cluster. */
async function withKubectl(
  answers: readonly RecordedAnswer[],
  test: (
    tools: RecordedTools,
    headcni: (...args: string[]) => Promise<ProgramOutcome>,
  ) => Promise<void>,
  pods: readonly unknown[] = NODES.map((node) => daemonPod(node)),
): Promise<void> {
  await using tools = await RecordedTools.make({
    kubectl: [...answers, ...clusterOf(pods, NODES)],
  });
  const path = `${tools.path}:${Deno.env.get("PATH")}`;
  await test(tools, (...args) => runAdmin(args, { PATH: path }));
}

Deno.test("headcni --node: runs the command there, and answers its output and exit code", async () => {
  const answers = [{
    match: "*exec*",
    stdout: "all is well\n",
    stderr: "a warning\ncommand terminated with exit code 3\n",
    code: 3,
  }];
  await withKubectl(answers, async (tools) => {
    // Its output is our own: a child is wanted to see it.
    const outcome = await runProgram({
      args: ["status", "--node", "edge-2", "--output=json", "-n", "net", "--context=lab"],
      env: { PATH: `${tools.path}:${Deno.env.get("PATH")}` },
    });
    assertEquals(outcome, { code: 3, stdout: "all is well\n", stderr: "a warning\n" });
    const [list, exec] = await tools.takeCalls();
    assertEquals(list?.args, [
      "--context=lab",
      "--namespace=net",
      "get",
      "pods",
      "--selector=app.kubernetes.io/name=headcni,app.kubernetes.io/instance=headcni",
      "--output=json",
    ]);
    assertEquals(exec?.args, [
      ...["--context=lab", "--namespace=net", "exec", "--container=daemon", "headcni-edge-2"],
      ...["--", "headcni", "status", "--output=json"],
    ]);
  });
});

Deno.test("headcni --node: standard input goes there where a dash asks for it, and else stays", async () => {
  await withKubectl([{ match: "*exec*", stdout: "" }], async (tools) => {
    const lines = [
      ...["restore --input-file -", "restore --input-file=-"],
      ...["status", "backup --output-file -", "backup --output-file=-"],
    ];
    for (const args of lines.map((line) => line.split(" "))) {
      await runProgram({
        args: [...args, "--node", "edge-1"],
        env: { PATH: `${tools.path}:${Deno.env.get("PATH")}` },
        stdin: "the backup",
      });
    }
    const execs = (await tools.takeCalls()).filter(({ args }) => args.includes("exec"));
    assertEquals(execs.map(({ args, stdin }) => [args.includes("--stdin"), stdin]), [
      [true, "the backup"],
      [true, "the backup"],
      ...Array(3).fill([false, ""]),
    ]);
  });
});

Deno.test("headcni --all-nodes: each output below its node's name, and the worst exit code", async () => {
  const answers = [
    { match: "*headcni-edge-1*", stdout: "one\n" },
    { match: "*headcni-edge-2*", stdout: "two\n", stderr: "broken\n", code: 7 },
  ];
  await withKubectl(answers, async (_, headcni) => {
    assertEquals(await headcni("--all-nodes", "mesh", "check"), {
      code: 7,
      stdout: "== edge-1\none\n\n== edge-2\ntwo\n\n",
      stderr: "broken\n",
    });
  });
});

Deno.test("headcni --node --node: one object by node, in JSON and in YAML", async () => {
  const answers = [
    { match: "*headcni-edge-1*", stdout: '{"ok":true}\n' },
    { match: "*headcni-edge-2*", stderr: "no store\n", code: 1 },
  ];
  await withKubectl(answers, async (tools, headcni) => {
    const json = await headcni("status", "-o", "json", "--node", "edge-2", "--node=edge-1");
    assertEquals([json.code, json.stderr], [1, "edge-2: no store\n"]);
    assertEquals(JSON.parse(json.stdout), {
      "edge-2": { error: "no store" },
      "edge-1": { ok: true },
    });
    await tools.takeCalls();
    const yaml = await headcni("status", "-oyaml", "--all-nodes");
    assertStringIncludes(yaml.stdout, "edge-1:\n  ok: true\n");
    const execs = (await tools.takeCalls()).filter(({ args }) => args.includes("exec"));
    assertEquals(execs.map(({ args }) => args.at(-1)), ["-ojson", "-ojson"]);
  });
});

Deno.test("headcni --node: words that a shell would change come as they are", async () => {
  const hostile = ["$(id)", "a b", "'", '"; rm -rf /', "`x`", "*", "two\nlines", "--", "-n", "\\"];
  await withKubectl([], async (tools, headcni) => {
    const args = ["ipam", "show", ...hostile.filter((word) => word !== "-n")];
    await headcni(...args, "--all-nodes");
    const exec = (await tools.takeCalls()).find(({ args }) => args.includes("exec"));
    assertEquals(exec?.args.slice(-args.length), args);
  });
});

Deno.test("headcni --all-nodes: a node whose pod does not run is told, others are asked", async () => {
  const pods = [
    daemonPod("edge-1", { state: { waiting: { reason: "CrashLoopBackOff" } } }),
    daemonPod("edge-2"),
    daemonPod("edge-3", { component: "tailscaled" }),
    daemonPod("edge-4", { deletionTimestamp: "2026-01-01T00:00:00Z" }),
  ];
  await withKubectl([{ match: "*exec*", stdout: "two\n" }], async (_, headcni) => {
    const { code, stdout, stderr } = await headcni("status", "--all-nodes");
    assertEquals([code, stdout], [1, "== edge-1\n\n== edge-2\ntwo\n\n"]);
    assertStringIncludes(stderr, 'Cannot run it on node "edge-1"');
    assertStringIncludes(stderr, "CrashLoopBackOff");
  }, pods);
});

Deno.test("headcni logs --follow --all-nodes: lines with the names of their nodes", async () => {
  await withKubectl([{ match: "*exec*", stdout: "a\nb" }], async (_, headcni) => {
    const { code, stdout } = await headcni("logs", "--follow", "--all-nodes");
    assertEquals([code, stdout.trim().split("\n").toSorted()], [
      0,
      ["edge-1: a", "edge-1: b", "edge-2: a", "edge-2: b"],
    ]);
  });
});

/** What kubectl says, and what we say. */
const FAILURES: readonly (readonly [stderr: string, texts: readonly string[]])[] = [
  [
    "The connection to the server 127.0.0.1:6443 was refused - did you specify the right host?",
    ["Cannot find the pods of HeadCNI", "--kubeconfig"],
  ],
  ['error: context "lab" does not exist', ['context "lab" does not exist', "--context"]],
  [
    'Error from server (Forbidden): pods is forbidden: User "jo" cannot list resource "pods"',
    ['User "jo"', "lacks that right"],
  ],
];

for (const [stderr, texts] of FAILURES) {
  Deno.test(`headcni --node: kubectl says "${stderr.slice(0, 30)}"`, async () => {
    await withKubectl([{ match: "*", stderr, code: 1 }], async (_, headcni) => {
      const outcome = await headcni("status", "--node", "edge-1");
      assertEquals([outcome.code, outcome.stdout], [1, ""]);
      for (const text of texts) assertStringIncludes(outcome.stderr, text);
    });
  });
}

Deno.test("headcni --node: a node that is not there, and one without a pod", async () => {
  await withKubectl([], async (_, headcni) => {
    const none = await headcni("status", "--node", "edge-9");
    assertEquals(none.code, 1);
    assertStringIncludes(none.stderr, "no such node; it has edge-1, edge-2");
    const bare = await headcni("status", "--node", "edge-2");
    assertStringIncludes(bare.stderr, "it has no pod of HeadCNI");
  }, [daemonPod("edge-1")]);
});

Deno.test("headcni --all-nodes: a stream is of one node, and nobody is asked for that", async () => {
  await withKubectl([], async (tools, headcni) => {
    const { code, stderr } = await headcni("restore", "--input-file", "-", "--all-nodes");
    assertEquals([code, stderr], [
      2,
      'headcni: Cannot run it on several nodes: "-" is a stream of one; --node names it\n',
    ]);
    assertEquals(await tools.takeCalls(), []);
  });
});

Deno.test("headcni --all-nodes: without any pod it names release and namespace", async () => {
  await withKubectl([], async (_, headcni) => {
    const { code, stderr } = await headcni("status", "--all-nodes", "--release-name=cni2");
    assertEquals(code, 1);
    assertStringIncludes(stderr, 'release "cni2" has none in namespace "kube-system"');
  }, []);
});

Deno.test("headcni --node: without kubectl it says so, and misuse is told apart", async () => {
  const bare = await runAdmin(["status", "--node", "edge-1"], { PATH: "/nonexistent" });
  assertEquals(bare.code, 1);
  assertStringIncludes(bare.stderr, 'Cannot run "kubectl": it is not there');
  for (
    const args of [
      ["status", "--node"],
      ["status", "--node="],
      ["status", "--node", "a", "--all-nodes"],
      ["--all-nodes"],
      ["completion", "bash", "--all-nodes"],
    ]
  ) {
    const { code, stderr } = await runAdmin(args, {});
    assertEquals([code, stderr.startsWith("headcni: Cannot ")], [2, true], args.join(" "));
  }
});
