/** `headcni doctor` as it is told: goldens, JSON by its schema, and what it refuses. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import * as v from "valibot";
import { parse as parseYaml } from "yaml";
import { CHECKS } from "../../lib/doctor/checks.ts";
import { VERSION } from "../../lib/version.ts";
import { AdminNode } from "./admin_node.ts";
import { assertGolden } from "./golden.ts";
import { runProgram } from "./program.ts";

/** What `--help` says that JSON is. */
const Report = v.strictObject({
  ok: v.boolean(),
  checks: v.array(v.strictObject({
    id: v.string(),
    group: v.string(),
    title: v.string(),
    verdict: v.picklist(["pass", "warn", "fail", "skip"]),
    evidence: v.string(),
    fix: v.string(),
    remedy: v.nullable(v.picklist(["turn", "leases", "store"])),
    readme: v.pipe(v.string(), v.regex(/^README\.md#[a-z0-9-]+$/)),
  })),
  fixes: v.array(v.strictObject({
    remedy: v.string(),
    checks: v.array(v.string()),
    done: v.array(v.string()),
    failures: v.array(v.string()),
  })),
});

/** Checks that see nothing of the machine. */
const OWN = ["runtime", "pod-network", "store", "mesh", "other-programs"];

/** A node that sees nothing of the machine either. */
async function makeNode(settings: Record<string, unknown> = {}): Promise<AdminNode> {
  const node = await AdminNode.make();
  // Without crictl, whatever the machine has.
  Object.assign(node.env, { HEADCNI_HOST_ROOT: `${node.root}/machine`, PATH: "" });
  await Deno.mkdir(`${node.root}/etc/headcni`, { recursive: true });
  const text = JSON.stringify({
    cni: { confDir: `${node.root}/conf`, binDir: `${node.root}/bin` },
    tailscale: { mode: "off" },
    kube: { access: "off" },
    monitoring: { enabled: false },
    runDirectory: `${node.root}/run`,
    ...settings,
  });
  await Deno.writeTextFile(node.env.HEADCNI_CONFIG ?? "", text);
  return node;
}

Deno.test("headcni doctor: on a node with nothing it says what to do", async () => {
  await using node = await makeNode();
  const { code, stdout, stderr } = await node.run("doctor", "--only", ...OWN);
  assertEquals(code, 1);
  await assertGolden("doctor-nothing", stdout, { ROOT: node.root });
  await assertGolden("doctor-nothing-error", stderr, { ROOT: node.root });
});

Deno.test("headcni doctor --list: every check, without looking at anything", async () => {
  await using node = await makeNode();
  const { code, stdout, stderr } = await node.run("doctor", "--list");
  assertEquals([code, stderr], [0, ""]);
  await assertGolden("doctor-list", stdout);
  const json = await node.run("doctor", "--list", "--output", "json");
  assertEquals(JSON.parse(json.stdout).length, CHECKS.length);
});

Deno.test("headcni doctor --help: prints the help", async () => {
  await using node = await makeNode();
  const { code, stdout, stderr } = await node.run("doctor", "--help");
  assertEquals([code, stderr], [0, ""]);
  await assertGolden("help-doctor", stdout, { RELEASE: VERSION });
});

Deno.test("headcni doctor --output json: all checks, by the schema of its help", async () => {
  await using node = await makeNode();
  const { code, stdout } = await node.run("doctor", "--output", "json");
  assertEquals(code, 1);
  const report = v.parse(Report, JSON.parse(stdout));
  assertEquals(report.checks.map(({ id }) => id), CHECKS.map(({ id }) => id));
  assertEquals([report.ok, report.fixes], [false, []]);
});

Deno.test("headcni doctor --output yaml: the same as JSON", async () => {
  await using node = await makeNode();
  const args = ["doctor", "--only", ...OWN, "--output"];
  const [yaml, json] = [await node.run(...args, "yaml"), await node.run(...args, "json")];
  assertEquals(parseYaml(yaml.stdout), JSON.parse(json.stdout));
});

Deno.test("headcni doctor --only: a check or a group; exit code 0 when all is well", async () => {
  await using node = await makeNode({ network: { podCIDR: { nodeLocal: "10.9.0.0/24" } } });
  const { code, stdout, stderr } = await node.run(
    ...["doctor", "--only", "pod-cidr", "settings", "--output", "json"],
  );
  assertEquals([code, stderr], [0, ""]);
  const { checks } = v.parse(Report, JSON.parse(stdout));
  assertEquals(checks.map(({ id, verdict }) => `${id} ${verdict}`), [
    "settings pass",
    "pod-cidr pass",
  ]);
});

Deno.test("headcni doctor: settings that cannot be used are a finding, not an end", async () => {
  await using node = await makeNode({ network: { mtu: "large" } });
  const { code, stdout } = await node.run("doctor", "--only", "settings", "pod-cidr");
  assertEquals(code, 1);
  assertStringIncludes(stdout, "network.mtu");
  assertStringIncludes(stdout, "headcni config validate");
});

const REFUSED: readonly (readonly [args: readonly string[], text: string])[] = [
  [["--fix"], "standard input is no terminal; --yes mends without asking"],
  [["--fix", "--output", "json"], "--yes mends without asking"],
  [["--only", "conflict"], "Did you mean conflist?"],
  [["--only", "nothing-like-it-at-all"], "--list tells all"],
  [["conflist"], "too many arguments"],
];

for (const [args, text] of REFUSED) {
  Deno.test(`headcni doctor ${args.join(" ")}: is refused, and changes nothing`, async () => {
    await using node = await makeNode({ network: { podCIDR: { nodeLocal: "10.9.0.0/24" } } });
    // In a process of its own: the terminal of whoever runs this test is not asked.
    const { code, stdout, stderr } = await runProgram({
      args: ["doctor", ...args],
      env: { ...node.env, PATH: Deno.env.get("PATH") ?? "" },
    });
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, text);
    assertEquals(Array.from(Deno.readDirSync(node.root), ({ name }) => name), ["etc"]);
  });
}

Deno.test("headcni doctor: looking makes nothing", async () => {
  await using node = await makeNode({ network: { podCIDR: { nodeLocal: "10.9.0.0/24" } } });
  await node.run("doctor");
  const made = Array.from(Deno.readDirSync(node.root), ({ name }) => name);
  assert(made.every((name) => name === "etc" || name === "plugin.log"), made.join());
});
