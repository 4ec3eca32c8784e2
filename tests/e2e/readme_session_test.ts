/**
 * The session of README's quick start, from nothing to a node that is well, as its commands really print
 * it: `deno test -A tests/e2e/readme_session_test.ts -- --update` writes it anew. A real systemd runs the
 * node, a real tailscaled and Headscale make its tailnet, and another node is in it.
 */
import { assert, assertEquals } from "@std/assert";
import { join } from "@std/path";
import { HEADCNI, missingProgram } from "../cli/shipped.ts";
import { runProgram } from "../cli/program.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { TestNode } from "../netns/plugin.ts";
import { findPeers } from "./peers.ts";
import { missingSystemd, RealSystemd } from "./systemd.ts";
import type { HeadscaleServer } from "./tailnet/headscale.ts";
import { missingMesh, TestMesh } from "./tailnet/mesh.ts";
import { until } from "./tailnet/until.ts";

const README = new URL("../../README.md", import.meta.url);
const BEGIN = /<!-- session: begin; .* -->\n```console\n/;
const END = "```\n<!-- session: end -->";

/** The first is called where it was built, the others where it was put. */
const COMMANDS = ["dist/headcni install", "headcni status", "headcni doctor"];

const SETTINGS = (url: string) => `
network:
  podCIDR:
    base: 10.42.0.0/16
    nodeLocal: 10.42.7.0/24
headscale:
  url: ${url}
tailscale:
  authKeyFile: /etc/headcni/auth-key
`;

/** Folders of the machine that are written to, beside those that are the test's already. */
const PRIVATE =
  "hostname edge-7; mkdir -p /opt /etc/headcni; rm -rf /etc/cni /etc/containerd /etc/crio /etc/rancher;" +
  "for folder in /opt /usr/local/bin /var/lib /var/log; do mount -t tmpfs hct $folder; done;" +
  "mkdir -p /opt/cni/bin /etc/cni/net.d";

testUnless(
  missingProgram() || missingSystemd() || missingMesh(),
  "README: the session of the quick start is what its commands print",
  async () => {
    await using mesh = await TestMesh.start({ nodes: 1 });
    await mesh.ready();
    await using node = await TestNode.make();
    await mesh.internet.plug(node.host);
    await using systemd = await RealSystemd.start(node);
    await systemd.run("sh", "-ec", PRIVATE);
    await startTailscaled(systemd, mesh.headscale);
    const write = (path: string, text: string) =>
      systemd.run("sh", "-ec", 'umask 077; printf %s "$2" >"$1"', "sh", path, text);
    await write("/etc/headcni/auth-key", await mesh.headscale.makeAuthKey());
    await write("/etc/headcni/daemon.yaml", SETTINGS(mesh.headscale.url));

    let session = "";
    for (const command of COMMANDS) {
      const [program = "", ...args] = command.split(" ");
      const executable = program === "headcni" ? "/usr/local/bin/headcni" : HEADCNI;
      const { code, stdout, stderr } = await runProgram({
        enter: systemd.enter,
        executable,
        args,
        env: { HEADCNI_CONFIG: "", PATH: Deno.env.get("PATH") ?? "" },
      });
      assertEquals([command, code, stderr], [command, 0, ""], `${stdout}\n${await systemd.log()}`);
      session += `# ${command}\n${stdout}\n`;
      if (args[0] === "install") await isInTailnet(systemd);
    }
    const shown = session.trimEnd()
      .replaceAll(mesh.headscale.url, "https://headscale.example.com")
      .replaceAll(join(HEADCNI, ".."), "dist")
      .replaceAll("-ERR-BuildInfo", ""); // what tailscaled adds that Go built as a module
    const readme = await Deno.readTextFile(README);
    const begin = BEGIN.exec(readme);
    assert(begin);
    const from = begin.index + begin[0].length;
    const to = readme.indexOf(END, from);
    if (Deno.args.includes("--update")) {
      await Deno.writeTextFile(README, `${readme.slice(0, from)}${shown}\n${readme.slice(to)}`);
    }
    const stands = (await Deno.readTextFile(README)).slice(from).split(END)[0] ?? "";
    assertEquals(withoutNumbers(shown), withoutNumbers(stands.trimEnd()));
  },
);

/** That of the machine, before anybody logged it in. */
async function startTailscaled(systemd: RealSystemd, { caFile }: HeadscaleServer): Promise<void> {
  const program = join(findPeers("tailscale").path, "tailscaled");
  await Deno.writeTextFile(
    join(systemd.units, "tailscaled.service"),
    `[Service]\nEnvironment=SSL_CERT_FILE=${caFile}\n` +
      `ExecStart=${program} --tun=tailscale0 --port=41641 --no-logs-no-support\n`,
  );
  await systemd.systemctl("daemon-reload");
  await systemd.systemctl("start", "tailscaled");
}

/** Waits until the daemon says that pods of other nodes are reached. */
async function isInTailnet(systemd: RealSystemd): Promise<void> {
  const ask = "curl -sf --unix-socket /run/headcni/daemon.sock http://localhost/readyz";
  await until("the node be ready", () => systemd.run("sh", "-c", ask).then(() => true));
}

/** What tells no more than how long, how much and which of many. */
function withoutNumbers(text: string): string {
  return text.replaceAll(/\b[0-9a-f]{12}\b/g, "HASH").replaceAll(/\d+/g, "N");
}
