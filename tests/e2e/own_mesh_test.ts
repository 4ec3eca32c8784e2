/**
 * Nodes with a tailscaled of their own, run by a real systemd: whatever becomes of the daemon its tunnels
 * stay, and they go with `headcni uninstall` alone.
 */
import {
  assert,
  assertEquals,
  assertNotEquals,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { join } from "@std/path";
import type { UninstallReport } from "../../lib/daemon/uninstall.ts";
import { testUnless } from "../fakes/test_unless.ts";
import { InstalledPlugin } from "../netns/installed_plugin.ts";
import { missingSystemd } from "./systemd.ts";
import { ipsOf, missingMesh, pingAll, TestMesh } from "./tailnet/mesh.ts";
import type { MeshNode, MeshPod } from "./tailnet/node.ts";
import { until } from "./tailnet/until.ts";

const UNIT = "headcni-tailscaled.service";

/** A ping that goes on beside a test. */
class LongPing {
  readonly #child: Deno.ChildProcess;
  readonly #text: Promise<string>;

  constructor({ netns }: MeshPod, ip: string) {
    this.#child = new Deno.Command("nsenter", {
      args: [`--net=${netns.path}`, "ping", "-i", "0.2", ip],
      stdin: "null",
      stdout: "piped",
    }).spawn();
    this.#text = new Response(this.#child.stdout).text();
  }

  /** Ends it; answers which of its packets came back, by their numbers. */
  async end(): Promise<number[]> {
    this.#child.kill("SIGINT");
    const numbers = (await this.#text).matchAll(/icmp_seq=(\d+) ttl=/g);
    await this.#child.status;
    return Array.from(numbers, ([, number]) => Number(number)).sort((a, b) => a - b);
  }
}

/** The process of the node's own tailscaled, by its number inside. */
function processOf({ systemd }: MeshNode): Promise<string> {
  return systemd.property(UNIT, "MainPID");
}

/** Command lines and variables of all processes of this machine. */
async function processTexts(): Promise<string> {
  const paths = Array.from(Deno.readDirSync("/proc"), ({ name }) => name)
    .filter((name) => /^\d+$/.test(name))
    .flatMap((name) => [`/proc/${name}/cmdline`, `/proc/${name}/environ`]);
  // Some end meanwhile.
  const texts = await Promise.all(paths.map((path) => Deno.readTextFile(path).catch(() => "")));
  return texts.join("\n");
}

testUnless(
  missingSystemd() || missingMesh(),
  "mesh: a tailscaled of our own outlives the daemon, and is back when it is killed",
  async () => {
    await using mesh = await TestMesh.start({ modes: ["own", "daemon"] });
    await mesh.ready();
    const [red, blue] = await mesh.addPods();
    if (!red || !blue) throw new Error("two pods wanted");
    await pingAll(red, blue);
    await pingAll(blue, red);
    for (const [at, { node }] of mesh.members.entries()) {
      const links = await node.node.host.ip("link", "show");
      assertEquals(
        links.map(({ ifname }) => ifname).filter((name) =>
          /^(headcni01|tailscale0)$/.test(String(name))
        ),
        ["headcni01"],
      );
      assertEquals((await Deno.stat(node.socket)).isSocket, true);
      const keys = join(node.node.dataDirectory, "tailscale");
      assertEquals((await Deno.stat(keys)).mode ?? 0, 0o40700);
      assertEquals((await Deno.stat(`${keys}/tailscaled.state`)).isFile, true);
      assertEquals((await mesh.listed(at + 1)).given_name, `headcni-pod-${node.name}`);
    }

    // The key came by its file, and is nowhere else.
    const { node, settings } = mesh.member(1);
    const key = (await Deno.readTextFile(join(node.node.root, "key"))).trim();
    const said = JSON.stringify([mesh.member(1).daemon.lines, mesh.member(1).daemon.said]);
    assertStringIncludes(said, "Join the tailnet");
    const log = await node.systemd.log();
    assertStringIncludes(log, "Switching ipn state Starting -> Running");
    const unit = await Deno.readTextFile(join(node.systemd.units, UNIT));
    for (const text of [await processTexts(), said, log, unit]) {
      assert(!text.includes(key), "the key is told");
    }

    // The daemon ends, in good order and in bad, and comes back: no packet is lost.
    const first = await processOf(node);
    const ping = new LongPing(blue, ipsOf(red)[0] ?? "");
    for (const signal of ["SIGTERM", "SIGKILL"] as const) {
      await mesh.member(1).daemon.end(signal);
      await pingAll(red, blue);
      const daemon = await node.startDaemon({ settings });
      await daemon.saw({ message: "The node is ready" });
      mesh.member(1).daemon = daemon;
      await pingAll(blue, red);
    }
    const numbers = await ping.end();
    assertEquals(numbers, numbers.map((_, at) => at + 1));
    assertEquals(await processOf(node), first);

    // tailscaled is killed: its unit has it back, with nobody's help.
    await mesh.member(1).daemon.end("SIGKILL");
    await node.systemd.systemctl("kill", "--kill-whom=main", "--signal=KILL", UNIT);
    await until("another process", async () => !["0", first].includes(await processOf(node)));
    await pingAll(blue, red);
    await pingAll(red, blue);
    assertEquals(await mesh.internet.seen(), 0);
  },
);

testUnless(
  missingSystemd() || missingMesh(),
  "mesh: headcni uninstall withdraws our routes and ends a tailscaled of our own",
  async () => {
    await using mesh = await TestMesh.start({ modes: ["own", "host"] });
    await mesh.ready();
    const [red, blue] = await mesh.addPods();
    if (!red || !blue) throw new Error("two pods wanted");
    await pingAll(blue, red);
    const { node, daemon, settings } = mesh.member(1);
    const { id } = await mesh.listed(1);
    const plugin = await InstalledPlugin.read(node.node);
    await daemon.end();

    // As long as a pod is left nothing happens to it.
    const before = await processOf(node);
    await assertRejects(() => node.headcni("uninstall"), Error, "pods are left");
    assertEquals(await processOf(node), before);
    await pingAll(blue, red);

    await plugin.del(red.netns);
    const report: UninstallReport = JSON.parse(
      await node.headcni("uninstall", "--output", "json"),
    );
    assertEquals(report.failures, []);
    const unit = `/etc/systemd/system/${UNIT}`;
    const told = [
      ...node.podCidrs.map((route) => `${route}: advertised no more`),
      `systemctl disable --now ${UNIT}`,
      `${unit}: removed`,
    ];
    assertEquals(report.done.filter((text) => told.includes(text)), told);
    const keys = join(node.node.dataDirectory, "tailscale");
    assertStringIncludes(report.kept.join("\n"), `${keys}: who this node is in its tailnet`);
    assertEquals(await node.systemd.property(UNIT, "LoadState"), "not-found");
    await assertRejects(() => Deno.lstat(join(node.systemd.units, UNIT)), Deno.errors.NotFound);
    const links = await node.node.host.ip("link", "show");
    assertEquals(links.some(({ ifname }) => ifname === "headcni01"), false);

    // The other node hears of it, and the first comes back as who it was.
    const other = mesh.member(2).node.node.host;
    await until("no route to the first node", async () => {
      const routes = await other.run("ip", "route", "show", "table", "52");
      return !routes.includes(node.podCidrs[0] ?? "?");
    });
    const again = await node.startDaemon({ settings });
    await again.saw({ message: "The node is ready" });
    const gray = await node.addPod();
    await pingAll(blue, gray);
    assertEquals((await mesh.listed(1)).id, id);
    assertNotEquals(await processOf(node), "0");
    assertEquals(await mesh.internet.seen(), 0);
  },
);
