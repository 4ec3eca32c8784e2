import { assert, assertEquals, assertThrows } from "@std/assert";
import { ONE, PlannedNode, SETTINGS, TWO, UNIT, WANT } from "../../tests/fakes/planned_node.ts";
import { ConfigError } from "../errors.ts";
import { daemonUnitText } from "./daemon_unit.ts";
import { type InstallWant, planInstall, wantedFolders } from "./install_plan.ts";
import { formatInstallRecord, parseInstallRecord } from "./install_record.ts";
import { formatInstallStep } from "./install_step.ts";
import { planUndo } from "./undo_plan.ts";
import { planUninstall } from "./uninstall_plan.ts";

Deno.test("planInstall: a node with nothing, in the order in which it is done", () => {
  const node = new PlannedNode();
  assertEquals(node.install(), [
    "/var/lib/headcni: made",
    "/var/lib/headcni/install.json: written",
    "/opt/cni: made",
    "/etc/cni: made",
    "/opt/headcni: made",
    "/opt/cni/bin: made",
    "/etc/headcni: made",
    "/etc/systemd: made",
    "/etc/cni/net.d: made",
    "/etc/systemd/system: made",
    "/opt/headcni/releases: made",
    `/opt/headcni/releases/${ONE}: copied from /root/headcni`,
    `/opt/headcni/headcni: linked to releases/${ONE}/headcni`,
    "/opt/cni/bin/headcni: linked to /opt/headcni/headcni",
    "/opt/cni/bin/headcni-ipam: linked to headcni",
    "/opt/cni/bin/loopback: linked to headcni",
    "/usr/local/bin/headcni: linked to /opt/headcni/headcni",
    "/etc/headcni/daemon.yaml: written",
    `${UNIT}: written`,
    "systemctl daemon-reload",
    "systemctl enable headcni.service",
    "systemctl restart headcni.service",
    "/var/lib/headcni/install.json: complete",
  ]);
  assertEquals(node.install(), []);
});

Deno.test("planInstall: settings and what is remembered are for root alone", () => {
  const { steps } = planInstall(WANT, new PlannedNode().facts());
  const closed = steps.flatMap((step) => "mode" in step && (step.mode & 0o077) === 0 ? step : []);
  assertEquals(closed.map(({ path }) => path), [WANT.dataDir, SETTINGS]);
});

/** What others have of our names. */
function foreignNode(): PlannedNode {
  const node = new PlannedNode();
  for (const path of wantedFolders(WANT)) node.folders.add(path);
  for (const path of ["/var/lib/headcni", "/opt/headcni", "/opt/headcni/releases"]) {
    node.folders.delete(path);
  }
  node.files.set("/opt/cni/bin/headcni", { kind: "file", text: "theirs" });
  node.files.set("/opt/cni/bin/loopback", { kind: "file", text: "theirs" });
  node.files.set("/usr/local/bin/headcni", { kind: "link", target: "/nonexistent" });
  node.files.set(SETTINGS, { kind: "file", text: "kube: {}\n" });
  node.files.set(UNIT, { kind: "file", text: "[Service]\n" });
  node.isEnabled = true;
  return node;
}

for (
  const [what, make] of [["nothing", () => new PlannedNode()], [
    "others' files",
    foreignNode,
  ]] as const
) {
  Deno.test(`planInstall, planUninstall: stopped anywhere on a node with ${what}, it ends as before`, () => {
    const before = make().text();
    const { steps } = planInstall(WANT, make().facts());
    for (let count = 0; count <= steps.length; count++) {
      const node = make();
      node.apply(steps, count);
      if (count % 2 === 0) {
        node.install();
        assertEquals(node.install(), [], `after ${count} steps`);
      }
      const isInstalled = node.record !== undefined;
      node.uninstall();
      if (isInstalled) assertEquals(node.text(), before, `after ${count} steps`);
    }
  });
}

Deno.test("planUninstall: stopped anywhere, the next one ends as before, and misses nothing", () => {
  const before = foreignNode();
  for (let count = 0;; count++) {
    const node = foreignNode();
    node.install();
    node.uninstall(count);
    if (!node.record) return assert(count > 10); // all but an empty folder is back
    const kept = node.uninstall().filter((text) => !text.startsWith("net."));
    assertEquals(kept, [], `after ${count} steps`);
    assertEquals([node.text(), node.isEnabled], [before.text(), true], `after ${count} steps`);
    assertEquals(
      [node.loaded, node.backups.size],
      [before.files.get(UNIT), 0],
      `after ${count} steps`,
    );
  }
});

Deno.test("planInstall: a run that was killed before its record leaves no other record", () => {
  const [whole, killed] = [foreignNode(), foreignNode()];
  whole.install();
  killed.apply(planInstall(WANT, killed.facts()).steps, 2);
  killed.install();
  assertEquals(killed.record, whole.record);
});

Deno.test("planInstall: settings and a loopback that are there stay; the rest is kept", () => {
  const node = foreignNode();
  const { steps, kept } = planInstall(WANT, node.facts());
  assertEquals(kept, [`${SETTINGS}: it is there already, and stays as it is`]);
  assertEquals(steps.filter(({ kind }) => kind === "save").map(formatInstallStep), [
    "/opt/cni/bin/headcni: kept as /var/lib/headcni/replaced/%2Fopt%2Fcni%2Fbin%2Fheadcni",
    `${UNIT}: kept as /var/lib/headcni/replaced/${encodeURIComponent(UNIT)}`,
  ]);
  node.apply(steps);
  assertEquals(node.files.get("/opt/cni/bin/loopback"), { kind: "file", text: "theirs" });
  // The copy of the first time is the one that counts.
  node.files.set("/opt/cni/bin/headcni", { kind: "file", text: "ours, put there by the daemon" });
  node.install();
  node.uninstall();
  assertEquals(node.files.get("/opt/cni/bin/headcni"), { kind: "file", text: "theirs" });
  assertEquals([node.isEnabled, node.calls.at(-1)], [true, "enable-unit"]);
});

Deno.test("planInstall: a folder in the place of a file is refused", () => {
  for (const kind of ["folder", "other"] as const) {
    const node = new PlannedNode();
    node.files.set("/opt/cni/bin/headcni", { kind });
    assertThrows(() => planInstall(WANT, node.facts()), ConfigError, "is no file; move it");
  }
});

Deno.test("planInstall: a link that was made by hand as we make it is ours", () => {
  const node = new PlannedNode();
  node.files.set("/usr/local/bin/headcni", { kind: "link", target: "/opt/headcni/headcni" });
  node.install();
  node.uninstall();
  assertEquals(node.files.has("/usr/local/bin/headcni"), false);
});

Deno.test("planInstall: another release leaves the one of before, and no more", () => {
  const node = new PlannedNode();
  node.releases = ["0.0.9-0123456789ab"];
  node.install();
  assertEquals([node.releases, node.record?.previous], [[ONE], undefined]);
  const done = node.install({ ...WANT, release: TWO });
  assertEquals(done, [
    "/var/lib/headcni/install.json: written",
    `/opt/headcni/releases/${TWO}: copied from /root/headcni`,
    `/opt/headcni/headcni: linked to releases/${TWO}/headcni`,
    "systemctl restart headcni.service",
    "/var/lib/headcni/install.json: complete",
  ]);
  assertEquals([node.releases, node.record?.previous], [[ONE, TWO], ONE]);
});

Deno.test("planInstall: without a unit systemd is asked nothing, and a daemon that shall not start does not", () => {
  const node = new PlannedNode();
  node.install({ ...WANT, unit: undefined });
  assertEquals(node.calls, []);
  node.install({ ...WANT, start: false });
  assertEquals(node.calls, ["reload-units", "enable-unit"]);
});

Deno.test("planUninstall: what somebody changed since stays, and so does the copy of what was there", () => {
  const node = foreignNode();
  node.install();
  node.files.set("/opt/cni/bin/headcni", { kind: "link", target: "/opt/other" });
  const kept = node.uninstall();
  assertEquals(kept, [
    "/opt/cni/bin/headcni: it was changed since the install; what it was before is " +
    "/var/lib/headcni/replaced/%2Fopt%2Fcni%2Fbin%2Fheadcni",
    "net.ipv4.ip_forward: it is 1, and was 0; to set it back: sysctl -w net.ipv4.ip_forward=0",
  ]);
  assertEquals(node.files.get("/opt/cni/bin/headcni"), { kind: "link", target: "/opt/other" });
  const copy = "/var/lib/headcni/replaced/%2Fopt%2Fcni%2Fbin%2Fheadcni";
  assertEquals(node.backups.get(copy), { kind: "file", text: "theirs" });
});

Deno.test("planUninstall: what is gone comes back, and a unit of a later release goes", () => {
  const node = foreignNode();
  node.install();
  node.files.delete("/opt/cni/bin/headcni");
  node.files.set(UNIT, { kind: "file", text: `${daemonUnitText("/opt/headcni/headcni")}# new` });
  node.uninstall();
  assertEquals([node.text(), node.backups.size], [foreignNode().text(), 0]);
});

Deno.test("planUninstall: a unit is read anew, and enabled where one was there and enabled", () => {
  const cases: readonly (readonly [isEnabled: boolean, text: string | undefined, string[]])[] = [
    [true, "[Service]\n", ["reload-units", "enable-unit"]],
    [false, "[Service]\n", ["reload-units"]],
    [true, undefined, ["reload-units"]],
  ];
  for (const [isEnabled, text, calls] of cases) {
    const node = new PlannedNode();
    node.isEnabled = isEnabled;
    if (text !== undefined) node.files.set(UNIT, { kind: "file", text });
    node.install();
    node.calls.length = 0;
    node.uninstall();
    assertEquals(node.calls, calls, `${isEnabled} ${text}`);
  }
});

Deno.test("planInstall: forwarding of before is that of before the first install", () => {
  const node = installedNode();
  const facts = { ...node.facts(), sysctls: { "net.ipv4.ip_forward": "1" } };
  node.apply(planInstall(WANT_TWO, facts).steps);
  assertEquals(node.record?.sysctls, { "net.ipv4.ip_forward": "0" });
});

Deno.test("planUninstall: the record is the last that goes of what it tells of, under the lock up to there", () => {
  const node = new PlannedNode();
  node.install();
  if (!node.record) throw new Error("no record");
  const { steps } = planUninstall(node.record, {
    dataDir: WANT.dataDir,
    found: node.files,
    unchanged: new Set(),
    releases: node.releases,
    sysctls: {},
  });
  assertEquals(steps.slice(-3).map(formatInstallStep), [
    "/var/lib/headcni/install.lock: removed",
    "/var/lib/headcni/install.json: removed",
    "/var/lib/headcni: removed",
  ]);
});

/** A node with a release, on which another one, with another unit, is wanted. */
function installedNode(): PlannedNode {
  const node = new PlannedNode();
  node.install();
  return node;
}

const WANT_TWO: InstallWant = {
  ...WANT,
  release: TWO,
  unit: { path: UNIT, text: "# Written by headcni install 2" },
};

Deno.test("planInstall: an upgrade that was stopped anywhere is finished by the next one", () => {
  const done = installedNode();
  done.install(WANT_TWO);
  const { steps } = planInstall(WANT_TWO, installedNode().facts());
  for (let count = 0; count <= steps.length; count++) {
    const node = installedNode();
    node.apply(steps, count);
    node.install(WANT_TWO);
    assertEquals([node.text(), node.running], [done.text(), done.running], `after ${count} steps`);
    assertEquals(node.install(WANT_TWO), [], `after ${count} steps`);
  }
});

Deno.test("planUndo: stopped anywhere, an upgrade goes back to the release of before", () => {
  const { steps } = planInstall(WANT_TWO, installedNode().facts());
  const before = installedNode();
  for (let count = 0; count <= steps.length; count++) {
    const node = installedNode();
    const { record, found } = node.facts();
    if (!record) throw new Error("no record");
    const undo = planUndo(steps, { record, found: new Map(found) });
    node.apply(steps, count);
    node.apply(undo);
    assertEquals(
      [node.text(), node.record, node.running],
      [before.text(), record, before.running],
      `after ${count} steps`,
    );
  }
});

Deno.test("planUndo: a path that was not there before is gone again", () => {
  const node = new PlannedNode();
  node.install({ ...WANT, commandPath: undefined });
  const { record, found } = node.facts();
  if (!record) throw new Error("no record");
  const { steps } = planInstall(WANT_TWO, node.facts());
  const undo = planUndo(steps, { record, found: new Map(found) });
  node.apply(steps);
  node.apply(undo);
  assertEquals([node.files.has("/usr/local/bin/headcni"), node.record], [false, record]);
});

Deno.test("planUndo: killed anywhere, the release of before is what its next install runs", () => {
  const { steps } = planInstall(WANT_TWO, installedNode().facts());
  const before = installedNode();
  const { record, files } = before;
  if (!record) throw new Error("no record");
  const undo = planUndo(steps, { record, found: new Map(files) });
  for (let count = 0; count <= undo.length; count++) {
    const node = installedNode();
    node.apply(steps);
    node.apply(undo, count);
    node.install();
    assertEquals(node.running, before.running, `after ${count} steps`);
  }
});

Deno.test("planUndo: a release that was mended in its place is not removed: it is the one in use", () => {
  const node = installedNode();
  const { steps } = planInstall(WANT, { ...node.facts(), wholeReleases: [] });
  assertEquals(steps.some(({ kind }) => kind === "copy-release"), true);
  if (!node.record) throw new Error("no record");
  node.apply(planUndo(steps, { record: node.record, found: node.files }));
  assertEquals(node.releases, [ONE]);
});

Deno.test("parseInstallRecord: a path that leaves its folder, or another format, is refused", () => {
  const node = foreignNode();
  node.install();
  if (!node.record) throw new Error("no record");
  const text = formatInstallRecord(node.record);
  for (
    const [from, to] of [
      ['"prefix": "/opt/headcni"', '"prefix": "/opt/../etc"'],
      ['"prefix": "/opt/headcni"', '"prefix": "/opt/$(id)"'],
      ['"path": "/opt/cni/bin/headcni"', '"path": "opt/cni"'],
      ['"format": 1', '"format": 2'],
      [`"release": "${ONE}"`, '"release": "../x"'],
      [`"release": "${ONE}"`, `"release": "${ONE}", "previous": "../x"`],
      [`"settings": "${SETTINGS}"`, '"settings": "/etc/../x"'],
      ['"backup": "/var/lib/headcni/', '"backup": "/var/lib/../'],
      ['"/opt/headcni/releases"', '"/opt/../etc"'],
    ] as const
  ) {
    assertThrows(
      () => parseInstallRecord(text.replace(from, to)),
      ConfigError,
      "record of the install",
    );
  }
});
