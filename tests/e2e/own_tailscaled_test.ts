/** A tailscaled of our own as a real one and a real systemd take it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { join } from "@std/path";
import { LocalApi } from "../../lib/tailscale/local_api.ts";
import { ownUnitText } from "../../lib/tailscale/own_unit.ts";
import { isFile } from "../cli/shipped.ts";
import { pastedUnits } from "../fakes/readme.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { settingsPath, TestDaemon, writeSettings } from "../netns/daemon.ts";
import { TestNode } from "../netns/plugin.ts";
import { missingTailscaled, RealTailscaled, TAILSCALED } from "./real_tailscaled.ts";
import { missingSystemd, RealSystemd } from "./systemd.ts";
import { until } from "./tailnet/until.ts";

const UNIT = "headcni-tailscaled.service";

testUnless(
  missingTailscaled(),
  "own tailscaled: runs with its interface, MTU and keys",
  async () => {
    await using tailscaled = await RealTailscaled.start();
    const { own, netns, api } = tailscaled;
    assertEquals((await api.status()).hasTun, true);
    const [link] = await netns.ip("link", "show", "dev", own.interfaceName);
    assertEquals(link?.mtu, own.mtuBytes);
    const names = Array.from(Deno.readDirSync(own.stateDirectory), ({ name }) => name);
    assertEquals(names.filter((name) => /^tailscaled\.(state|log\.conf)$/.test(name)).sort(), [
      "tailscaled.log.conf",
      "tailscaled.state",
    ]);
  },
);

testUnless(missingTailscaled(), "own tailscaled: what is run after its end cleans up", async () => {
  await using tailscaled = await RealTailscaled.start();
  const { own, netns } = tailscaled;
  await tailscaled.stop("SIGKILL");
  const { code } = await tailscaled.command(["--cleanup", `--tun=${own.interfaceName}`]).output();
  assertEquals(code, 0);
  assertEquals((await netns.ip("link", "show")).map(({ ifname }) => ifname), ["lo"]);
  assertStringIncludes(ownUnitText(own), `ExecStopPost=${own.binary} --cleanup --tun=hctun0\n`);
});

/** A node that systemd runs, whose daemon is to have a tailscaled of its own. */
class OwnNode implements AsyncDisposable {
  readonly node: TestNode;
  readonly systemd: RealSystemd;
  readonly #owned: AsyncDisposableStack;

  private constructor(node: TestNode, systemd: RealSystemd, owned: AsyncDisposableStack) {
    this.node = node;
    this.systemd = systemd;
    this.#owned = owned;
  }

  static async make(): Promise<OwnNode> {
    await using owned = new AsyncDisposableStack();
    const node = owned.use(await TestNode.make());
    await node.host.run("ip", "link", "set", "lo", "up");
    const systemd = owned.use(await RealSystemd.start(node));
    return new OwnNode(node, systemd, owned.move());
  }

  /** Settings of the daemon. */
  settings(tailscale: Readonly<Record<string, unknown>> = {}): Record<string, unknown> {
    const socket = { path: this.hostSocket };
    return { tailscale: { mode: "own", binary: TAILSCALED, socket, ...tailscale } };
  }

  /** Where a tailscaled of the machine listens. */
  get hostSocket(): string {
    return join(this.node.root, "host.sock");
  }

  /** The tailscaled of its own: what systemd says of it, such as `MainPID`. */
  property(name: string): Promise<string> {
    return this.systemd.property(UNIT, name);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#owned[Symbol.asyncDispose]();
  }
}

testUnless(
  missingSystemd() || missingTailscaled(),
  "own tailscaled: the daemon as README's service ends without it, and is back when it is killed",
  async () => {
    await using own = await OwnNode.make();
    const { node, systemd } = own;
    const [service] = pastedUnits("The node daemon");
    assertEquals(service?.path, "/etc/systemd/system/headcni.service");
    await writeSettings(node, own.settings());
    await Deno.writeTextFile(join(systemd.units, "headcni.service"), service?.text ?? "");
    // All of it but the paths, which are those of a test.
    const command = `${node.plugin} daemon --config=${settingsPath(node)}`;
    const environment = Object.entries({ ...node.environment, HOME: node.root })
      .map(([name, value]) => `Environment=${name}=${value}\n`).join("");
    const dropIn = join(systemd.units, "headcni.service.d");
    await Deno.mkdir(dropIn);
    await Deno.writeTextFile(
      join(dropIn, "paths.conf"),
      `[Service]\nExecStart=\nExecStart=${command}\n${environment}`,
    );
    await systemd.systemctl("daemon-reload");
    await systemd.systemctl("enable", "--now", "headcni");
    await until("tailscaled run", async () => await own.property("ActiveState") === "active");
    const first = await own.property("MainPID");
    assertEquals(await own.property("ControlGroup"), `/system.slice/${UNIT}`);

    for (const act of [["restart"], ["stop"], ["start"], ["kill", "--signal=KILL"]]) {
      await systemd.systemctl(...act, "headcni");
      assertEquals([await own.property("MainPID"), await own.property("NRestarts")], [first, "0"]);
    }
    await until(
      "the daemon again",
      async () =>
        await systemd.property("headcni", "NRestarts") === "1" &&
        await systemd.property("headcni", "ActiveState") === "active",
    );
    assertStringIncludes(await systemd.property("headcni", "StatusText"), "mesh: ");
    assertEquals(await own.property("MainPID"), first);

    // Who stops it has to set another mode.
    await systemd.systemctl("stop", UNIT);
    await systemd.systemctl("reload", "headcni");
    await until("tailscaled again", async () => await own.property("ActiveState") === "active");

    // Other settings are in the unit, and in use once somebody starts it anew.
    const second = await own.property("MainPID");
    const listens = async () => (await node.host.run("ss", "-Hlnu")).includes(":41700 ");
    await writeSettings(node, own.settings({ port: 41700 }));
    await until(
      "the other port",
      async () => (await Deno.readTextFile(join(systemd.units, UNIT))).includes("--port=41700"),
    );
    assertEquals([await own.property("MainPID"), await listens()], [second, false]);
    await systemd.systemctl("restart", UNIT);
    await until("it on the other port", listens);
  },
);

testUnless(
  missingSystemd() || missingTailscaled(),
  "own tailscaled: none is started beside the machine's, which is left alone",
  async () => {
    await using own = await OwnNode.make();
    const { node, systemd } = own;
    // One that is logged in nowhere: with mode `host` it would be made use of.
    const command = [TAILSCALED, `--socket=${own.hostSocket}`, `--statedir=${node.root}/state`];
    await Deno.writeTextFile(
      join(systemd.units, "tailscaled.service"),
      `[Service]\nExecStart=${command.join(" ")} --no-logs-no-support\n`,
    );
    await systemd.systemctl("start", "tailscaled");
    using api = new LocalApi(own.hostSocket);
    const before = await until("the machine's tailscaled", () => api.prefs());
    const env = { HEADCNI_HOST_ROOT: "" };
    await using daemon = await TestDaemon.spawn(systemd.placeOf(node), {
      settings: own.settings(),
      env,
    });
    const reasons = await until("a reason", async () => {
      const { text } = await daemon.ask("/readyz");
      return text.includes("mesh: Cannot run") && text;
    });
    assertStringIncludes(reasons, `another one listens on "${own.hostSocket}"`);
    assertEquals(await own.property("LoadState"), "not-found");
    assertEquals(await api.prefs(), before);
    assertEquals(await systemd.property("tailscaled", "NRestarts"), "0");

    // Once it is gone ours is started.
    await systemd.systemctl("stop", "tailscaled");
    await daemon.signal("SIGHUP");
    await until("our own", async () => await own.property("ActiveState") === "active");
  },
);

/** What systemd has against a unit; empty when nothing. */
async function verify(directory: string, name: string, text: string): Promise<string> {
  const path = join(directory, name);
  await Deno.writeTextFile(path, text);
  const { code, stderr } = await new Deno.Command("systemd-analyze", {
    args: ["verify", "--man=no", path],
    stdout: "null",
  }).output();
  const said = new TextDecoder().decode(stderr);
  return code === 0 && !said.includes(path) ? "" : `${code}: ${said}`;
}

testUnless(missingAnalyze(), "own tailscaled: systemd finds no fault with its unit", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const binary = `${directory}/100% of my $tools/tailscaled`;
    await Deno.mkdir(binary.slice(0, binary.lastIndexOf("/")));
    await Deno.writeTextFile(binary, "#!/bin/sh\n", { mode: 0o755 });
    const text = ownUnitText({
      binary,
      socket: "/run/headcni/t.sock",
      stateDirectory: '/srv/$1 "and" %i\\',
      interfaceName: "headcni01",
      port: 41645,
      mtuBytes: 1400,
      caFile: "/etc/my ca.pem",
    });
    assertEquals(await verify(directory, UNIT, text), "");
    const wrong = text.replace("RestartSec", "RestartSecs");
    assertStringIncludes(await verify(directory, UNIT, wrong), "Unknown key");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

testUnless(missingAnalyze(), "README: systemd finds no fault with the daemon's unit", async () => {
  const directory = await Deno.makeTempDir({ prefix: "hct" });
  try {
    const [service, ...others] = pastedUnits("The node daemon");
    assertEquals(others, []);
    // It asks whether the program is there.
    const program = "/usr/local/bin/headcni";
    assertStringIncludes(service?.text ?? "", `ExecStart=${program} daemon\n`);
    const text = service?.text.replace(program, "/bin/true") ?? "";
    assertEquals(await verify(directory, "headcni.service", text), "");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

function missingAnalyze(): string {
  return isFile("/usr/bin/systemd-analyze") ? "" : "needs systemd-analyze";
}
