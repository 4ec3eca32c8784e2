/** What a backup has comes back on a node that has nothing, and pods that live keep what they have. */
import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { machineTest, SETTINGS } from "./machine.ts";
import { assertSameLines, bare } from "./plugin.ts";

const INSTALLED = "/usr/local/bin/headcni";
const BACKUP = "/run/fake/backup.json";

machineTest(
  "headcni restore: after an uninstall the node is as in the backup, and a living pod keeps its address",
  async (machine) => {
    await machine.succeed(["install", ...SETTINGS]);
    const network = await machine.network();
    const [old, fresh] = [await machine.makePod(), await machine.makePod()];
    const { ips: [oldIp] = [] } = await machine.plugin("ADD", old, network);
    const backedUp = await machine.call(["backup", "--output-file", BACKUP], INSTALLED);
    assertEquals([backedUp.code, backedUp.stdout, backedUp.stderr], [0, "", ""]);
    assertStringIncludes(await machine.run(`stat -c %a ${BACKUP}`), "600");
    const settings = await machine.run("cat /etc/headcni/daemon.yaml");
    const gone = await machine.succeed(["uninstall", "--force"], INSTALLED);
    assertEquals(gone.failures, []);
    assertEquals(await machine.run("ls /opt /var/lib"), "/opt:\n\n/var/lib:\n");

    const before = await machine.snapshot();
    const args = ["restore", "--input-file", BACKUP];
    await machine.succeed([...args, "--dry-run"]);
    assertSameLines(await machine.snapshot(), before);
    const { addresses, install } = await machine.succeed(args);
    assertEquals([addresses, install?.missing], [{ imported: 1, present: 0 }, []]);
    assertEquals(await machine.run("cat /etc/headcni/daemon.yaml"), settings);
    await machine.host.run("ping", "-c1", "-W5", bare(oldIp?.address));
    const { ips: [freshIp] = [] } = await machine.plugin("ADD", fresh, network);
    assert(bare(freshIp?.address) !== bare(oldIp?.address));
    for (const pod of [old, fresh]) await machine.plugin("DEL", pod, network);
    const again = await machine.succeed([...args, "--dry-run"]);
    assertEquals(again.install?.done, []);
  },
);

machineTest("headcni restore: a hostile or foreign backup changes nothing", async (machine) => {
  await machine.succeed(["install", "--service", "none", ...SETTINGS]);
  await machine.call(["backup", "--output-file", BACKUP], INSTALLED);
  const backup = JSON.parse(await machine.run(`cat ${BACKUP}`));
  const before = await machine.snapshot();
  const bad: [change: Record<string, unknown>, code: number, text: string][] = [
    [{ kind: "other" }, 2, "it is no backup of HeadCNI"],
    [{ format: 2 }, 2, "in format 2"],
    [{ mesh: { path: "/etc/cron.d/job", text: "x" } }, 2, 'mesh of "/etc/cron.d/job"'],
    [{ settings: { path: "/etc/shadow", text: backup.settings.text } }, 2, '"/etc/shadow"'],
    [{ settings: { ...backup.settings, text: "network: { mtu: many }" } }, 2, "daemon.yaml"],
    [{ conflists: [{ path: "/etc/cni/net.d/../x", text: "{}" }] }, 2, "none of ours is"],
    [{ install: { ...backup.install, prefix: "/opt/../etc" } }, 2, "install.prefix"],
    [{ install: { ...backup.install, prefix: "/opt/$(id)" } }, 2, "install.prefix"],
    [{ addresses: { format: 1 } }, 2, "addresses.leases"],
    [{ lastPodCidr: { path: "/var/lib/headcni/pod-cidr.json", text: "{" } }, 2, "no JSON"],
    [{ settings: { ...backup.settings, text: "network: { mtu: 1400 }" } }, 2, "is another"],
  ];
  for (const [change, code, text] of bad) {
    const path = `${machine.root}/bad.json`;
    await Deno.writeTextFile(path, JSON.stringify({ ...backup, ...change }));
    const outcome = await machine.call(["restore", "--input-file", path]);
    assertEquals([outcome.code, outcome.stdout], [code, ""], outcome.stderr);
    assertStringIncludes(outcome.stderr, text);
  }
  assertSameLines(await machine.snapshot(), before);
});
