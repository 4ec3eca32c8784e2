import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { type OwnTailscaled, ownUnitText, tailscaledArguments } from "./own_unit.ts";
import { tailscaledEnvironment } from "./own_unit.ts";

const OWN: OwnTailscaled = {
  binary: "/usr/sbin/tailscaled",
  socket: "/run/headcni/headcni_tailscale.sock",
  stateDirectory: "/var/lib/headcni/tailscale",
  interfaceName: "headcni01",
  port: 41645,
  mtuBytes: 1280,
  caFile: undefined,
};

Deno.test("ownUnitText: a unit that belongs to no other, and cleans up after itself", () => {
  assertEquals(
    ownUnitText(OWN),
    `# Written by headcni, and written again when it is changed: what is to be different belongs into
# a drop-in, by "systemctl edit headcni-tailscaled.service".
[Unit]
Description=tailscaled of HeadCNI, which carries the pods' packets to other nodes
Wants=network-pre.target
After=network-pre.target NetworkManager.service systemd-resolved.service
StartLimitIntervalSec=0

[Service]
Type=exec
Environment=TS_LOGS_DIR=/var/lib/headcni/tailscale
ExecStart=/usr/sbin/tailscaled --socket=/run/headcni/headcni_tailscale.sock \
--statedir=/var/lib/headcni/tailscale --tun=headcni01 --port=41645 --no-logs-no-support
ExecStopPost=/usr/sbin/tailscaled --cleanup --tun=headcni01
Restart=always
RestartSec=1
RuntimeDirectory=headcni
RuntimeDirectoryMode=0700
RuntimeDirectoryPreserve=yes

[Install]
WantedBy=multi-user.target
`,
  );
});

Deno.test("ownUnitText: nothing in it ties it to another unit, or limits its restarts", () => {
  const text = ownUnitText(OWN);
  for (const word of ["PartOf", "BindsTo", "Requires", "StateDirectory", "headcni.service"]) {
    assert(!text.includes(word), word);
  }
});

Deno.test("ownUnitText: a run directory elsewhere is left to whoever made it", () => {
  for (const socket of ["/srv/x/t.sock", "/run/t.sock", "/run/a b/t.sock"]) {
    assert(!ownUnitText({ ...OWN, socket }).includes("RuntimeDirectory"), socket);
  }
  const deep = ownUnitText({ ...OWN, socket: "/var/run/a/b/t.sock" });
  assertStringIncludes(deep, "RuntimeDirectory=a/b\n");
});

Deno.test("ownUnitText: what systemd would read as its own is quoted", () => {
  const text = ownUnitText({
    ...OWN,
    binary: "/opt/my $tools/tailscaled",
    stateDirectory: '/srv/100%/$x"\\',
  });
  assertStringIncludes(text, 'ExecStart="/opt/my $tools/tailscaled" ');
  assertStringIncludes(text, '"--statedir=/srv/100%%/$$x\\"\\\\" ');
  assertStringIncludes(text, 'Environment="TS_LOGS_DIR=/srv/100%%/$x\\"\\\\"\n');
});

Deno.test("tailscaledArguments: those of the unit; MTU and certificates are variables", () => {
  assertEquals(tailscaledArguments({ ...OWN, port: 0 }), [
    "--socket=/run/headcni/headcni_tailscale.sock",
    "--statedir=/var/lib/headcni/tailscale",
    "--tun=headcni01",
    "--port=0",
    "--no-logs-no-support",
  ]);
  assertEquals(tailscaledEnvironment({ ...OWN, mtuBytes: 1400 }), {
    TS_LOGS_DIR: "/var/lib/headcni/tailscale",
    TS_DEBUG_MTU: "1400",
  });
  const text = ownUnitText({ ...OWN, mtuBytes: 1400, caFile: "/etc/headcni/ca.pem" });
  assertStringIncludes(text, "Environment=TS_DEBUG_MTU=1400\n");
  assertStringIncludes(text, "Environment=SSL_CERT_FILE=/etc/headcni/ca.pem\n");
});
