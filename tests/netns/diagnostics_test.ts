/** `headcni diagnostics` on a node: what is in the bundle, and that no secret is. */
import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { type ProgramOutcome, runProgram } from "../cli/program.ts";
import { settingsPath, TestDaemon, writeSettings } from "./daemon.ts";
import { run } from "./namespace.ts";
import { network, nodeTest, type TestNode } from "./plugin.ts";

function diagnostics(node: TestNode, ...args: readonly string[]): Promise<ProgramOutcome> {
  return runProgram({
    // No tool of the node can be found.
    enter: [...node.enter, "env", "PATH=/nonexistent"],
    executable: node.plugin,
    args: ["diagnostics", ...args],
    env: {
      ...node.environment,
      HEADCNI_HOST_ROOT: `${node.root}/machine`,
      HEADCNI_CONFIG: settingsPath(node),
    },
  });
}

/** The files of a bundle by name, as tar(1) reads them. */
async function unpack(bundle: string): Promise<Map<string, string>> {
  const folder = await Deno.makeTempDir({ prefix: "hct" });
  try {
    await run("tar", "-xzf", bundle, "-C", folder);
    const names = (await run("tar", "-tzf", bundle)).trim().split("\n");
    return new Map(names.map((name) => [name, Deno.readTextFileSync(`${folder}/${name}`)]));
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const BUNDLE = "bundle.tar.gz";

nodeTest("headcni diagnostics: a healthy node in one file that only root reads", async (node) => {
  await using daemon = await TestDaemon.start(node);
  await node.add(await node.makePod(), network());
  await daemon.turned();
  await Deno.writeTextFile(`${node.root}/plugin.log.1`, "what was before\n");
  const path = `${node.root}/${BUNDLE}`;
  const { code, stdout } = await diagnostics(node, "--output-file", path, "--include-logs");
  assertEquals(code, 0);
  assertStringIncludes(stdout, path);
  assertEquals(((await Deno.stat(path)).mode ?? 0) & 0o777, 0o600);
  const files = await unpack(path);
  const holds = (name: string, pattern: RegExp) => assertMatch(files.get(name) ?? name, pattern);
  holds("version.txt", /headcni \d/);
  holds("commands/status.json", /"ifname": "eth0"/);
  holds("commands/ipam-stats.json", /"allocated_ips"/);
  // What a check finds is there, although it ends with 1.
  holds("commands/doctor.json", /"checks"/);
  holds("commands/config-show.json", /"from"/);
  holds("daemon/readyz.txt", /^200\nok/);
  holds("daemon/metrics.txt", /headcni_pod_cidr_info/);
  holds("kernel/links.txt", /: headcni0: UP carrier mtu 1280 bridge /);
  holds("kernel/addresses.txt", /^headcni0 10\.9\.0\.1\/24 /m);
  holds("kernel/routes.txt", /^10\.9\.0\.0\/24 dev headcni0 /m);
  holds("kernel/rules.txt", /^IPv4 32766: from all to all lookup 254/m);
  holds("kernel/sysctls.txt", /^net\/ipv4\/ip_forward = 1$/m);
  holds("kernel/headcni-table.txt", /^set masquerade4: 10\.9\.0\.0\/24$/m);
  const named = (end: string) => [...files].find(([name]) => name.endsWith(end))?.[1] ?? end;
  assertMatch(named("_05-headcni.conflist"), /"type": "headcni"/);
  assertMatch(named("_env.yaml"), /10\.9\.0\.0\/24/);
  assertMatch(named("_plugin.log"), /"verb":"ADD"/);
  assertEquals(named("_plugin.log.1"), "what was before\n");
  // Tools are missing, and say so.
  holds("kernel/nft.txt.error.txt", /^Cannot run "nft": it is not there/);
  const items: { name: string; error?: string }[] = JSON.parse(files.get("items.json") ?? "");
  assert(items.some(({ name, error }) => name === "kernel/nft.txt" && error !== undefined));
  // A second one does not take its place.
  const again = await diagnostics(node, "--output-file", path);
  assertEquals([again.code, again.stdout], [2, ""]);
  assertStringIncludes(again.stderr, "it is there already");
});

/** A secret that stands in the place of `$` in a text. */
const planted: string[] = [];
function plant(text: string): string {
  const secret = crypto.randomUUID().replaceAll("-", "");
  planted.push(secret);
  return text.replaceAll("$", secret);
}

nodeTest("headcni diagnostics: no secret of any source is in the bundle", async (node) => {
  const known = plant("$");
  const settings = {
    headscale: { authKey: known },
    tailscale: { mode: "off", authKey: plant("tskey-auth-$") },
  };
  await (await TestDaemon.start(node)).end();
  await writeSettings(node, settings);
  await Deno.chmod(settingsPath(node), 0o600);
  const conf = {
    name: "x",
    type: "x",
    token: plant("$"),
    kubeconfig: { "client-key-data": plant("$") },
  };
  await Deno.writeTextFile(`${node.root}/conf/99-x.conflist`, JSON.stringify(conf));
  await Deno.writeTextFile(
    `${node.root}/conf/98-y.conf.headcni-moved-1`,
    plant('{"url":"https://admin:$@registry.example"}'),
  );
  await Deno.writeTextFile(`${node.root}/conf/x-kubeconfig`, plant("$"));
  const log = [
    `asked Headscale with ${known} and ${btoa(known)}`,
    plant('{"message":"{\\"api_key\\":\\"$\\"}"}'),
    plant("Authorization: Bearer $"),
    plant("hskey-api-$ was refused"),
    plant("started tailscale up --auth-key $ --reset"),
    plant("-----BEGIN EC PRIVATE KEY-----\n$\n-----END EC PRIVATE KEY-----"),
    plant("nodekey:aa privkey:$"),
    plant("K3S_TOKEN=$"),
    plant("eyJhbGci.$.$"),
  ].join("\n");
  await Deno.writeTextFile(`${node.root}/plugin.log`, log, { append: true });
  await Deno.writeTextFile(`${node.root}/run/state.json`, plant('{"password":"$"}'));
  await Deno.writeTextFile(`${node.root}/run/env.yaml`, plant("# secret: $\n"), { append: true });
  await Deno.writeTextFile(`${node.dataDirectory}/mesh.json`, plant('{"preauth_token":"$"}'));

  const path = `${node.root}/${BUNDLE}`;
  const { code } = await diagnostics(
    node,
    "--output-file",
    path,
    "--include-logs",
    "--include-yaml",
  );
  assertEquals(code, 0);
  const files = await unpack(path);
  for (const secret of [...planted, btoa(known)]) {
    const found = [...files].filter(([, text]) => text.includes(secret)).map(([name]) => name);
    assertEquals(found, [], `secret ${planted.indexOf(secret)}`);
  }
  // Each was there to be found.
  const redacted = [...files].filter(([, text]) => text.includes("[redacted]"));
  assertEquals(redacted.map(([name]) => name.replace(/^.*_/, "")).toSorted(), [
    "98-y.conf.headcni-moved-1",
    "99-x.conflist",
    "daemon.yaml",
    "env.yaml",
    "mesh.json",
    "plugin.log",
    "state.json",
  ]);
});

nodeTest(
  "headcni diagnostics: settings that cannot be used, nobody runs, nothing is there",
  async (node) => {
    await Deno.writeTextFile(settingsPath(node), "network: { mtu: much }\n");
    const path = `${node.root}/${BUNDLE}`;
    const { code, stdout } = await diagnostics(node, "--output-file", path);
    assertEquals(code, 0, stdout);
    const files = await unpack(path);
    assertMatch(files.get("commands/config-validate.json") ?? "", /network\.mtu/);
    assert(files.has("daemon/status.txt.error.txt"));
    assert([...files.keys()].some((name) => name.endsWith("_daemon.yaml")));
  },
);
