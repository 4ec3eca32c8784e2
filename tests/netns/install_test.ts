/** The program is put on a machine, pods come by it, and the machine is afterwards what it was. */
import { assertEquals, assertStringIncludes } from "@std/assert";
import { assertSameLines, bare } from "./plugin.ts";
import { machineTest, SETTINGS } from "./machine.ts";

const INSTALLED = "/usr/local/bin/headcni";

machineTest(
  "headcni install: pods come, a second run has nothing to do, and uninstall leaves nothing",
  async (machine) => {
    await machine.run("sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1");
    const before = await machine.snapshot();
    const planned = await machine.succeed(["install", "--dry-run", ...SETTINGS]);
    assertSameLines(await machine.snapshot(), before);
    const done = await machine.succeed(["install", ...SETTINGS]);
    assertEquals(done.done, planned.done);
    assertEquals(done.missing, []);
    const pod = await machine.makePod();
    const network = await machine.network();
    const { ips: [ip] = [] } = await machine.plugin("ADD", pod, network);
    await machine.host.run("ping", "-c1", "-W5", bare(ip?.address));
    // The daemon opens the store meanwhile.
    const withoutStore = (text: string) => text.replaceAll(/^.*\/state\.kv.*\n?/gm, "");
    const files = withoutStore(await machine.snapshot());
    const again = await machine.succeed(["install", ...SETTINGS], INSTALLED);
    assertEquals([again.done, again.missing], [[], []]);
    assertSameLines(withoutStore(await machine.snapshot()), files);
    const early = await machine.call(["uninstall"], INSTALLED);
    assertEquals(early.code, 1, early.stdout);
    assertStringIncludes(early.stderr, "pods are left");
    await machine.plugin("DEL", pod, network);
    const preview = await machine.succeed(["uninstall", "--dry-run"], INSTALLED);
    const gone = await machine.succeed(["uninstall"], INSTALLED);
    assertEquals([gone.kept, gone.failures], [[], []]);
    assertEquals(preview.kept, []);
    assertSameLines(gone.done.join("\n"), preview.done.join("\n"));
    assertSameLines(await machine.snapshot(), before);
    const none = await machine.succeed(["uninstall"]);
    assertEquals([none.kept, none.failures], [[], []]);
    assertSameLines(await machine.snapshot(), before);
  },
);

/** Another network's, which has files of our names. */
const FOREIGN = `
  mkdir -p /opt/cni/bin /etc/cni/net.d /usr/local/bin
  printf '#!/bin/sh\\nexit 7\\n' >/opt/cni/bin/headcni; chmod 751 /opt/cni/bin/headcni
  touch -d 2020-02-02 /opt/cni/bin/headcni
  echo theirs >/opt/cni/bin/loopback; chmod 755 /opt/cni/bin/loopback
  ln -s /nonexistent/old /usr/local/bin/headcni
  echo '{"cniVersion":"1.0.0","name":"other","plugins":[{"type":"bridge"}]}' >/etc/cni/net.d/01-other.conflist
  printf '[Service]\\nExecStart=/bin/true\\n' >/etc/systemd/system/headcni.service
  ln -s /etc/systemd/system/headcni.service /etc/systemd/system/multi-user.target.wants/headcni.service`;

machineTest(
  "headcni install: what others have of our names is replaced, and uninstall brings it back",
  async (machine) => {
    await machine.run(
      `sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1; mkdir -p \
        /etc/systemd/system/multi-user.target.wants;${FOREIGN}`,
    );
    const before = await machine.snapshot();
    await machine.succeed(["install", ...SETTINGS]);
    assertEquals(await machine.run("cat /opt/cni/bin/loopback"), "theirs\n");
    assertEquals(await machine.run("readlink /opt/cni/bin/headcni"), "/opt/headcni/headcni\n");
    assertEquals(
      await machine.run("ls /etc/cni/net.d"),
      [
        "01-other.conflist.headcni-moved-1",
        "05-headcni.conflist\n",
      ].join("\n"),
    );
    const gone = await machine.succeed(["uninstall"], INSTALLED);
    assertEquals([gone.kept, gone.failures], [[], []]);
    assertSameLines(await machine.snapshot(), before);
    assertEquals(await machine.run("stat -c '%a %Y' /opt/cni/bin/headcni"), "751 1580601600\n");
  },
);

machineTest(
  "headcni install: settings that are there stay, and what was changed since is left by uninstall",
  async (machine) => {
    await machine.run("mkdir /etc/headcni; echo 'kube: { access: off }' >/etc/headcni/daemon.yaml");
    const kept = ["/etc/headcni/daemon.yaml: it is there already, and stays as it is"];
    const done = await machine.succeed(["install", "--no-start", "--no-command", ...SETTINGS]);
    assertEquals([done.kept, done.missing], [kept, null]);
    assertEquals(
      await machine.run("ls /usr/local/bin/headcni 2>&1 || true"),
      [
        "ls: cannot access '/usr/local/bin/headcni': No such file or directory\n",
      ].join(""),
    );
    await machine.run("rm /opt/cni/bin/headcni; echo theirs >/opt/cni/bin/headcni");
    const gone = await machine.succeed(["uninstall"], "/opt/headcni/headcni");
    assertEquals(
      gone.kept,
      [
        "/opt/cni/bin/headcni: it is not this program",
        "/opt/cni/bin/headcni: it was changed since the install",
        "net.ipv4.ip_forward: it is 1, and was 0; to set it back: sysctl -w net.ipv4.ip_forward=0",
      ].slice(0, 2),
    );
    assertEquals(
      await machine.run("cat /opt/cni/bin/headcni /etc/headcni/daemon.yaml"),
      [
        "theirs",
        "kube: { access: off }\n",
      ].join("\n"),
    );
    assertEquals(
      await machine.run("ls -A /opt /opt/cni/bin"),
      "/opt:\ncni\n\n/opt/cni/bin:\nheadcni\n",
    );
  },
);

machineTest(
  "headcni install: a node that waits for its network is told of, and goes on waiting",
  async (machine) => {
    const settings = ["--set", "kube.access=off", "--set", "tailscale.mode=off"];
    const { code, stdout, stderr } = await machine.call(["install", "--timeout", "3", ...settings]);
    assertEquals(code, 1, stdout);
    assertStringIncludes(stdout, "systemctl restart headcni.service");
    assertStringIncludes(stderr, "no network for the pods of this node");
    assertEquals((await machine.takeCalls()).at(-1), "restart headcni.service");
    const { kept } = await machine.succeed(["uninstall"]);
    assertEquals(kept, []);
  },
);

machineTest("headcni install: what is wrong is said, and nothing is changed", async (machine) => {
  const before = await machine.snapshot();
  const refused: [args: string[], text: string][] = [
    [["--prefix", "/opt/a b"], 'Cannot install into "/opt/a b"'],
    [["--prefix", "/opt/cni/bin"], "runtimes look for plugins there"],
    [["--set", "network.mtu=many"], "daemon.yaml"],
    [["--set", "network.mut=1400"], "network.mut: there is no such key"],
    [["--set", "network"], "A key and a value are wanted"],
    [["--config", "/nonexistent"], 'Cannot read "/nonexistent"'],
  ];
  for (const [args, text] of refused) {
    const { code, stdout, stderr } = await machine.call(["install", "--service", "none", ...args]);
    assertEquals([code, stdout], [2, ""], stderr);
    assertStringIncludes(stderr, text);
  }
  await machine.run("rmdir /run/systemd/system; mkdir -p /opt/cni/bin/headcni");
  const blocked = await machine.call(["install", "--service", "none"]);
  assertStringIncludes(blocked.stderr, '"/opt/cni/bin/headcni" is no file; move it');
  const { code, stderr } = await machine.call(["install"]);
  assertEquals(code, 2);
  assertStringIncludes(stderr, "systemd does not run this machine");
  await machine.run("mkdir /run/systemd/system; rm -r /opt/cni");
  assertSameLines(await machine.snapshot(), before);
});
