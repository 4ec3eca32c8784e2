import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { runAdmin } from "../../tests/fakes/run_admin.ts";
import { VERSION } from "../../lib/version.ts";
import { printed } from "../../tests/fakes/printed.ts";
import { type Answer, answerCommandLine } from "./answer.ts";

/** What the command line of the daemon answers, and prints. */
async function answer(
  args: readonly string[],
  env: Readonly<Record<string, string>> = {},
): Promise<{ answer: Answer; stdout: string; stderr: string }> {
  const { value, ...rest } = await printed(() => answerCommandLine(args, env));
  return { answer: value, ...rest };
}

const NO_FILE = { HEADCNI_CONFIG: "/dev/null/none" };

Deno.test("answerCommandLine: help and release need no settings", async () => {
  for (const flag of ["--help", "-h"]) {
    const { answer: { kind }, stdout, stderr } = await answer([flag, "--bogus"], NO_FILE);
    assertEquals([kind, stderr], ["done", ""]);
    assertStringIncludes(stdout, "Usage: headcni daemon [OPTIONS]");
  }
  assertEquals((await answer(["--version"], NO_FILE)).stdout, `headcni ${VERSION}\n`);
});

Deno.test("answerCommandLine: to run it gives settings, and what reads them again", async () => {
  const path = await Deno.makeTempFile({ prefix: "hct" });
  try {
    const { answer: run, stdout } = await answer([`--config=${path}`, "--metrics-port=7"]);
    assertEquals(stdout, "");
    assert(run.kind === "run");
    assertEquals(run.loaded.settings.monitoring.port, 7);
    assertEquals(run.request.line.configPath, path);
  } finally {
    await Deno.remove(path);
  }
});

Deno.test("answerCommandLine: faults are told, each on its line", async () => {
  const outcome = await answer(["--metrics-port=x", "--bogus"], NO_FILE);
  assertEquals(outcome, {
    answer: { kind: "done", code: 2 },
    stdout: "",
    stderr: "headcni: Cannot use the settings of the daemon: 3 faults\n" +
      'flag --metrics-port: monitoring.port: a port from 1 to 65535 wanted, got "x"\n' +
      "flag --bogus: there is no such flag; --help lists all\n" +
      "/dev/null/none: there is no such file\n",
  });
});

const KEY = "hs3cr3t7";

/** Every way in which a key gets in, and some in which it gets in by mistake. */
const FILES: readonly string[] = [
  `headscale: {authKey: ${KEY}}\ntailscale: {authKey: "${KEY}"}`,
  `headscale: {authkey: ${KEY}}`,
  `authKey: ${KEY}`,
  `headscale:\n  authKey: ${KEY}\n authKey: ${KEY}`,
  `headscale: {authKey: [${KEY}]}`,
  `headscale: {authKey: "${KEY}`,
  `headscale: {authKey: &${KEY} a, url: *${KEY}}`,
  `headscale: {authKeyFile: ${KEY}}`,
  `headscale: {url: "https://u:${KEY}@h"}`,
  `tailscale: {user: tskey-auth-${KEY}}`,
  `headscale: {timeout: tskey-auth-${KEY}}`,
  `cniPlugins: [{name: a, config: {token: ${KEY}}}]`,
  `cniPlugins: [{name: a, config: '{"token": "${KEY}"'}]`,
  `cniPlugins: [{name: a, config: '{"type": 1, "token": "${KEY}"}'}]`,
  `cniPlugins: '[{"name": 1, "config": {"token": "${KEY}"}}]'`,
  `cniPlugins: '{"token": "${KEY}"}'`,
  `security: {auth: {token: ${KEY}}}`,
  `"${"a".repeat(3)}": ${KEY}`,
  `!${KEY} a: !<${KEY}> b`,
  `- ${KEY}`,
  KEY,
];

const ARGS: readonly (readonly string[])[] = [
  ["--print-config"],
  [],
  ["--headscale-auth-key", KEY],
  [`--tailscale-auth-key=${KEY}`, "--print-config"],
  ["--headscale-authkey", KEY],
  [`--auth-key=${KEY}`],
  [KEY],
  ["--print-config", "--headscale-url", `https://u:${KEY}@h`],
];

const ENV = { HEADSCALE_AUTH_KEY: KEY, TS_AUTHKEY: KEY, TAILSCALE_MTU: `tskey-${KEY}` };

/** All that the commands print about a file, by what was called. */
async function outputsOf(path: string, env: Record<string, string>): Promise<[string, string][]> {
  const outputs: [string, string][] = [];
  for (const args of ARGS) {
    const { stdout, stderr } = await answer([...args, `--config=${path}`], env);
    outputs.push([args.join(" "), stdout + stderr]);
  }
  for (const args of [["validate"], ["validate", "-o", "json"], ["show"], ["show", "-o", "json"]]) {
    const { stdout, stderr } = await runAdmin(["config", ...args, path], env);
    outputs.push([args.join(" "), stdout + stderr]);
  }
  return outputs;
}

for (const env of [ENV, { HEADSCALE_AUTH_KEY: KEY }]) {
  Deno.test(`headcni daemon, config: none tells a secret, with ${Object.keys(env)}`, async () => {
    const path = await Deno.makeTempFile({ prefix: "hct", suffix: ".yaml" });
    try {
      for (const text of FILES) {
        for (const mode of [0o600, 0o644]) {
          await Deno.writeTextFile(path, text);
          await Deno.chmod(path, mode);
          const told = (await outputsOf(path, env)).filter(([, output]) => output.includes(KEY));
          assertEquals(told, [], text);
        }
      }
    } finally {
      await Deno.remove(path);
    }
  });
}
