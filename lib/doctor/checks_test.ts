import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { CONFLIST, GOOD_LOOKS, looksWith, SIGHTS } from "../../tests/fakes/doctor_looks.ts";
import { meshFacts } from "../../tests/fakes/mesh_facts.ts";
import { prefixes, tailnetPrefs } from "../../tests/fakes/tailnet.ts";
import { judgeMesh } from "../mesh/conditions.ts";
import { judgeChecks } from "./check.ts";
import { checkNames, CHECKS, selectChecks } from "./checks.ts";
import type { Verdict } from "./finding.ts";
import type { Looks } from "./sight.ts";

Deno.test("CHECKS: on a good node all pass, and tell what they saw", () => {
  const judged = judgeChecks(CHECKS, GOOD_LOOKS);
  assertEquals(judged.filter(({ verdict }) => verdict !== "pass"), []);
  assertEquals(judged.filter(({ evidence }) => evidence === ""), []);
});

Deno.test("CHECKS: what cannot be seen is neither good nor bad, and says why", () => {
  const blind = Object.fromEntries(
    Object.keys(SIGHTS).map((name) => [name, { blind: "needs root" }]),
  );
  for (const looks of [blind, {}]) {
    const judged = judgeChecks(CHECKS, looks);
    assertEquals(new Set(judged.map(({ verdict }) => verdict)), new Set(["skip"]));
    assertEquals(judged.filter(({ evidence }) => evidence === ""), []);
  }
});

Deno.test("CHECKS: ids are unique, and groups stand together", () => {
  const ids = CHECKS.map(({ id }) => id);
  assertEquals(new Set(ids).size, ids.length);
  const groups = CHECKS.map(({ group }) => group);
  const turns = groups.filter((group, i) => group !== groups[i - 1]);
  assertEquals(new Set(turns).size, turns.length);
});

Deno.test("selectChecks: by id, by group, all", () => {
  assertEquals(selectChecks([]), CHECKS);
  assertEquals(selectChecks(["conflist"]).map(({ id }) => id), ["conflist"]);
  assert(selectChecks(["store"]).length > 2);
  assert(checkNames().includes("other-programs"));
});

/** A sysctl of a node that is well otherwise. */
function sysctl(path: string, value: string): Looks {
  return looksWith("kernel", { sysctls: new Map([...SIGHTS.kernel.sysctls, [path, value]]) });
}

/** The only folder of configurations with other files. */
function conf(files: Record<string, string | undefined>): Looks {
  const [folder] = SIGHTS.confs.folders;
  return looksWith("confs", {
    folders: [{
      ...folder ?? { directory: "", runtimes: [] },
      files: Object.entries(files).map(([name, text]) => ({ name, text })),
    }],
  });
}

const [STORE] = SIGHTS.stores;

function store(change: Partial<NonNullable<typeof STORE>>): Looks {
  return { ...GOOD_LOOKS, stores: { saw: STORE ? [{ ...STORE, ...change }] : [] } };
}

function mend(
  part: "bridge" | "bridge_address" | "rule" | "route" | "sysctl" | "bridge_port",
  isRemoval = false,
): Looks {
  return looksWith("datapath", { mends: [{ part, text: "ip do it", isRemoval }] });
}

function binary(name: string, state: "missing" | "different" | "not-executable"): Looks {
  const binaries = SIGHTS.binaries.binaries.map((one) =>
    one.name === name ? { ...one, state } : one
  );
  return looksWith("binaries", { binaries });
}

/** A 10-headcni.conflist that a person wrote. */
const BY_HAND = '{"cniVersion": "1.0.0", "name": "n", "plugins": [{"type": "headcni"}]}';
const OTHER = '{"plugins": [{"type": "flannel"}]}';
const DAY_MS = 86_400_000;
const { nowMs } = SIGHTS.mesh;

/** What is seen, the check that must tell of it and how, and a part of what it says. */
const TABLE: readonly (readonly [looks: Looks, id: string, verdict: Verdict, text: string])[] = [
  [looksWith("settings", { faults: ["a.b: wrong"] }), "settings", "fail", "a.b: wrong"],
  [looksWith("settings", { warnings: ["old"] }), "settings", "warn", "old"],
  [looksWith("confs", { policies: ["/x.conf"] }), "network-policy", "fail", "/x.conf asks for"],
  [looksWith("daemon", { status: undefined, trouble: "none" }), "daemon", "fail", "none"],
  [
    looksWith("daemon", { status: undefined, trouble: "none", isExpected: false }),
    "daemon",
    "warn",
    "nothing on this node is mended",
  ],
  [looksWith("daemon", { version: "0.2.0" }), "daemon-release", "warn", "this program 0.2.0"],
  [
    looksWith("daemon", {
      status: { version: "0.1.0", reasons: ["mesh: no", "disk"], warnings: [] },
    }),
    "ready",
    "fail",
    "disk",
  ],
  [
    looksWith("daemon", { status: { version: "0.1.0", reasons: [], warnings: ["zone"] } }),
    "daemon-warnings",
    "warn",
    "zone",
  ],
  [conf({}), "conflist", "fail", "/etc/cni/net.d: there is none"],
  [conf({ "05-headcni.conflist": CONFLIST.slice(0, 30) }), "conflist", "fail", "half-written"],
  [conf({ "05-headcni.conflist": undefined }), "conflist", "fail", "cannot be read"],
  [conf({ "05-headcni.conflist": OTHER }), "conflist", "fail", "another network's"],
  [
    conf({ "05-headcni.conflist": CONFLIST.replace("headcni-ipam", "host-local") }),
    "conflist",
    "warn",
    "not what the settings make",
  ],
  [conf({ "10-headcni.conflist": BY_HAND }), "conflist", "pass", "made by hand"],
  [
    conf({ "10-headcni.conflist": BY_HAND.replace('"headcni"}', '"headcni", "mtu": "x"}') }),
    "conflist",
    "fail",
    "mtu",
  ],
  [
    conf({ "00-flannel.conf": OTHER, "05-headcni.conflist": CONFLIST }),
    "conflist-first",
    "fail",
    "/etc/cni/net.d/00-flannel.conf",
  ],
  [
    {
      ...GOOD_LOOKS,
      confs: {
        saw: {
          ...SIGHTS.confs,
          isExclusive: false,
          folders: [{
            ...{ directory: "/d", runtimes: [] },
            files: [{ name: "00-x.conf", text: OTHER }, { name: "10-h.conflist", text: BY_HAND }],
          }],
        },
      },
    },
    "conflist-first",
    "warn",
    "cni.exclusive is off",
  ],
  [
    looksWith("confs", { foundFolders: ["/var/lib/rancher/k3s/agent/etc/cni/net.d"] }),
    "runtime-folders",
    "warn",
    "rancher",
  ],
  [binary("headcni", "missing"), "executables", "fail", "/opt/cni/bin/headcni is not there"],
  [binary("headcni-ipam", "different"), "executables", "fail", "is not this program"],
  [binary("headcni", "not-executable"), "executables", "fail", "cannot be executed"],
  [binary("loopback", "missing"), "loopback", "fail", "/opt/cni/bin/loopback is not there"],
  [binary("loopback", "different"), "loopback", "pass", "/opt/cni/bin/loopback"],
  [
    looksWith("binaries", { plugins: [{ type: "portmap", isFound: false }] }),
    "other-plugins",
    "fail",
    '"portmap"',
  ],
  [looksWith("runtimeView", { confDirectory: "/other" }), "runtime-view", "fail", "/other"],
  [looksWith("runtimeView", { binDirectories: ["/else"] }), "runtime-view", "fail", "in /else"],
  [looksWith("runtimeView", { notReady: "not initialized" }), "runtime-view", "fail", "not init"],
  [looksWith("runtimeView", { loadStatus: "no network" }), "runtime-view", "fail", "no network"],
  [
    looksWith("podNetwork", { chosen: undefined, own: [], reasons: ["nobody says"] }),
    "pod-cidr",
    "fail",
    "nobody says",
  ],
  [
    looksWith("podNetwork", {
      chosen: { cidrs: prefixes("10.244.1.0/24"), source: "default", origin: "default" },
    }),
    "pod-cidr",
    "warn",
    "another node may have it",
  ],
  [looksWith("podNetwork", { own: prefixes("10.9.0.0/24") }), "pod-cidr", "warn", "10.9.0.0/24"],
  [
    looksWith("podNetwork", { chosen: undefined, refused: ["holds addresses of the tailnet"] }),
    "pod-cidr-overlap",
    "fail",
    "of the tailnet",
  ],
  [looksWith("podNetwork", { warnings: ["a LAN"] }), "pod-cidr-overlap", "warn", "a LAN"],
  [
    looksWith("ranges", { fixed: [{ path: "/x.conf", subnets: prefixes("10.244.0.0/16") }] }),
    "fixed-subnet",
    "fail",
    "/x.conf gives addresses of 10.244.0.0/16",
  ],
  [
    looksWith("ranges", {
      subnetFile: { ...SIGHTS.ranges.subnetFile, subnets: [], fault: "it is not there" },
    }),
    "subnet-file",
    "fail",
    "it is not there",
  ],
  [
    looksWith("ranges", {
      subnetFile: { ...SIGHTS.ranges.subnetFile, subnets: prefixes("10.7.0.0/24") },
    }),
    "subnet-file",
    "fail",
    "10.7.0.0/24",
  ],
  [
    looksWith("api", { finding: { cidrs: prefixes("10.7.0.0/24") } }),
    "pod-cidr-api",
    "warn",
    "assigned 10.7.0.0/24",
  ],
  [looksWith("api", { annotation: "10.7.0.0/24" }), "pod-cidr-api", "warn", "annotation"],
  [looksWith("api", { finding: { fault: "none yet" } }), "pod-cidr-api", "skip", "none yet"],
  [store({ faults: ["leased twice"] }), "store", "fail", "leased twice"],
  [store({ trouble: "locked" }), "store", "fail", "locked"],
  [
    store({ space: { freeBytes: 1000, freeInodes: 1e6, totalInodes: 1e6 } }),
    "store-space",
    "fail",
    "0 MiB free",
  ],
  [
    store({ space: { freeBytes: 1e10, freeInodes: 0, totalInodes: 1e6 } }),
    "store-space",
    "fail",
    "0 inodes",
  ],
  [
    store({ space: { freeBytes: 9e6, freeInodes: 0, totalInodes: 0 } }),
    "store-space",
    "warn",
    "8 MiB free",
  ],
  [store({ hasBallast: false }), "ballast", "warn", "ballast is missing"],
  [store({ spoolBytes: 90 }), "spool", "warn", "90 bytes wait"],
  [
    looksWith("leases", { dead: [{ address: "10.244.1.7/24 of n", proofs: ["gone", "old"] }] }),
    "leases",
    "warn",
    "10.244.1.7/24 of n: gone, old",
  ],
  [looksWith("leases", { ofOtherBoots: ["10.244.1.7/24"] }), "leases-boot", "warn", "10.244.1.7"],
  [
    looksWith("leases", { networks: [{ network: "n", leases: 253, capacity: 253 }] }),
    "pool",
    "fail",
    "253 of 253",
  ],
  [
    looksWith("leases", { networks: [{ network: "n", leases: 240, capacity: 253 }] }),
    "pool",
    "warn",
    "240 of 253",
  ],
  [sysctl("net/ipv4/conf/all/rp_filter", "1"), "rp-filter", "pass", "loose"],
  [sysctl("net/ipv4/conf/headcni0/rp_filter", "1"), "rp-filter", "warn", "headcni0 is strict"],
  [sysctl("net/bridge/bridge-nf-call-iptables", "0"), "bridge-nf", "warn", "is 0"],
  [sysctl("net/netfilter/nf_conntrack_count", "1000"), "conntrack", "fail", "1000 of 1000"],
  [sysctl("net/netfilter/nf_conntrack_count", "850"), "conntrack", "warn", "850 of 1000"],
  [sysctl("fs/inotify/max_user_instances", "10"), "inotify", "warn", "is 10"],
  [looksWith("kernel", { tentative: ["fd00::1/64 on headcni0"] }), "dad", "fail", "fd00::1"],
  [
    looksWith("kernel", { sharedAddresses: ["100.70.0.9/24 on eth0"] }),
    "shared-range",
    "warn",
    "eth0",
  ],
  [looksWith("kernel", { foreignLinks: ["cni0"] }), "foreign-links", "warn", "cni0"],
  [mend("bridge"), "bridge", "fail", "ip do it"],
  [mend("bridge_port"), "bridge", "fail", "ip do it"],
  [looksWith("datapath", { troubles: ["it is a veth"] }), "bridge", "fail", "it is a veth"],
  [mend("bridge_address"), "bridge-address", "fail", "ip do it"],
  [mend("sysctl"), "forwarding", "fail", "ip do it"],
  [mend("rule"), "ip-rule", "fail", "ip do it"],
  [mend("route"), "guard-route", "fail", "ip do it"],
  [looksWith("datapath", { lacksClusterCidr: true }), "guard-route", "warn", "leaves in clear"],
  [mend("rule", true), "stale-routes", "fail", "ip do it"],
  [mend("route", true), "stale-routes", "fail", "ip do it"],
  [looksWith("datapath", { blackholes: ["blackhole 10.244.1.0/25"] }), "blackholes", "fail", "/25"],
  [
    looksWith("datapath", { acceptedRoutes: prefixes("192.168.0.0/16") }),
    "accepted-routes",
    "warn",
    "takes traffic to 192.168.1.0/24 on eth0",
  ],
  [
    looksWith("datapath", { acceptedRoutes: prefixes("10.0.0.0/8") }),
    "accepted-routes",
    "warn",
    "covers the pods' 10.244.1.0/24",
  ],
  [looksWith("datapath", { largeLinks: ["veth1 has 1500 bytes"] }), "mtu", "warn", "veth1"],
  [
    looksWith("firewall", { masquerade: ["add element x"] }),
    "masquerade",
    "fail",
    "nft add element",
  ],
  [looksWith("firewall", { masquerade: undefined }), "masquerade", "skip", "stores"],
  [looksWith("firewall", { forward: ["insert rule"] }), "forward-policy", "fail", "insert rule"],
  [looksWith("firewall", { forwardTrouble: "no iptables" }), "forward-policy", "warn", "no iptab"],
  [
    looksWith("firewall", { unknownToFirewalld: prefixes("10.244.0.0/16") }),
    "firewalld",
    "fail",
    "10.244.0.0/16",
  ],
  [looksWith("firewall", { mss: ["add rule"] }), "mss-clamp", "fail", "nft add rule"],
  [
    looksWith("firewall", { foreignChains: ["FLANNEL-POSTRTG"] }),
    "foreign-chains",
    "warn",
    "FLANNEL-POSTRTG",
  ],
  [looksWith("firewall", { legacyTables: ["filter"] }), "legacy-xtables", "warn", "filter"],
  [
    looksWith("mesh", {
      conditions: judgeMesh(meshFacts({ prefs: tailnetPrefs({ routeAll: false }) })),
    }),
    "mesh-accept-routes",
    "fail",
    "not accepted",
  ],
  [
    looksWith("mesh", { conditions: judgeMesh(meshFacts({ status: undefined, trouble: "gone" })) }),
    "mesh-tailscaled",
    "fail",
    "gone",
  ],
  [
    looksWith("mesh", { conditions: judgeMesh(meshFacts({ prefs: undefined })) }),
    "mesh-accept-routes",
    "skip",
    "not known",
  ],
  [looksWith("mesh", { conflicts: ["n2 has it, too"] }), "mesh-conflicts", "fail", "n2"],
  [looksWith("mesh", { warnings: ["an exit node"] }), "mesh-prefs", "warn", "exit node"],
  [looksWith("mesh", { keyExpiryMs: nowMs + DAY_MS }), "mesh-key-expiry", "warn", "1 days"],
  [looksWith("mesh", { keyExpiryMs: nowMs + 30 * DAY_MS }), "mesh-key-expiry", "pass", "30 days"],
  [
    looksWith("services", {
      networkd: { manageForeignRoutes: "no", manageForeignRules: undefined },
    }),
    "networkd",
    "warn",
    "ManageForeignRoutingPolicyRules",
  ],
  [
    looksWith("services", { networkd: { manageForeignRoutes: "yes", manageForeignRules: "off" } }),
    "networkd",
    "warn",
    "ManageForeignRoutes is",
  ],
  [looksWith("services", { networkd: undefined }), "networkd", "pass", "does not run"],
  [looksWith("services", { unmanaged: ["docker0"] }), "network-manager", "warn", "headcni0"],
  [looksWith("services", { unmanaged: ["interface-name:head*"] }), "network-manager", "pass", ""],
  [looksWith("services", { unmanaged: undefined }), "network-manager", "pass", "does not run"],
  [looksWith("services", { sysctlFiles: ["/etc/x has y=0"] }), "sysctl-files", "warn", "/etc/x"],
  [
    looksWith("services", { foreignFiles: ["/run/flannel/x"] }),
    "foreign-cni",
    "warn",
    "/run/flannel",
  ],
  [
    looksWith("services", { now: { ms: 0, text: "1970-01-01T00:00:00Z" } }),
    "clock",
    "fail",
    "1970-01-01",
  ],
];

for (const [looks, id, verdict, text] of TABLE) {
  Deno.test(`${id}: ${verdict}: ${text}`, () => {
    const judged = judgeChecks(CHECKS, looks);
    const found = judged.find((check) => check.id === id);
    assertEquals(found?.verdict, verdict, found?.evidence);
    assertStringIncludes(found?.evidence ?? "", text);
    if (verdict === "warn" || verdict === "fail") assert(found?.fix !== "", "what to do");
  });
}

Deno.test("CHECKS: each has a row in which it is not well", () => {
  const bad = new Set(TABLE.filter(([, , verdict]) => verdict !== "pass").map(([, id]) => id));
  // Conditions of the mesh have tests of their own.
  const without = CHECKS.map(({ id }) => id).filter((id) => !bad.has(id) && !/^mesh-/.test(id));
  assertEquals(without, []);
});
