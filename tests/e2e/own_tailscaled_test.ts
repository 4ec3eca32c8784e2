/** A tailscaled of our own as a real one and a real systemd take it. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { ownUnitText } from "../../lib/tailscale/own_unit.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { missingTailscaled, RealTailscaled } from "./real_tailscaled.ts";

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

/** What systemd has against a unit; empty when nothing. */
async function verify(directory: string, text: string): Promise<string> {
  const path = `${directory}/headcni-tailscaled.service`;
  await Deno.writeTextFile(path, text);
  const { code, stderr } = await new Deno.Command("systemd-analyze", {
    args: ["verify", "--man=no", path],
    stdout: "null",
  }).output();
  const said = new TextDecoder().decode(stderr);
  return code === 0 && !said.includes(path) ? "" : `${code}: ${said}`;
}

testUnless(missingSystemd(), "own tailscaled: systemd finds no fault with its unit", async () => {
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
    assertEquals(await verify(directory, text), "");
    const wrong = text.replace("RestartSec", "RestartSecs");
    assertStringIncludes(await verify(directory, wrong), "Unknown key");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

function missingSystemd(): string {
  try {
    const { success } = new Deno.Command("systemd-analyze", { args: ["--version"] }).outputSync();
    return success ? "" : "needs systemd-analyze";
  } catch {
    return "needs systemd-analyze";
  }
}
