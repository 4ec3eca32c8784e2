/** What the doctor sees of a node where all is well. */
import type { DoctorSights, Looks, SightName } from "../../lib/doctor/sight.ts";
import { judgeMesh } from "../../lib/mesh/conditions.ts";
import { planConflist } from "../../lib/node/conflist.ts";
import { meshFacts, SEEN_MS } from "./mesh_facts.ts";
import { prefixes } from "./tailnet.ts";

/** Text of the configuration that the daemon of the tests writes. */
export const CONFLIST = `${JSON.stringify(planConflist({}), null, 2)}\n`;

/** All parts of it. */
export const SIGHTS: DoctorSights = {
  settings: {
    path: "/etc/headcni/daemon.yaml",
    faults: [],
    warnings: [],
  },
  daemon: {
    version: "0.1.0",
    status: { version: "0.1.0", reasons: [], warnings: [] },
    trouble: "",
    isExpected: true,
  },
  confs: {
    folders: [{
      directory: "/etc/cni/net.d",
      runtimes: ["containerd"],
      files: [
        { name: "05-headcni.conflist", text: CONFLIST },
        { name: "87-podman.conflist", text: '{"plugins": [{"type": "bridge"}]}' },
      ],
    }],
    isExclusive: true,
    policies: [],
    wanted: { name: "05-headcni.conflist", text: CONFLIST },
    foundFolders: ["/etc/cni/net.d"],
  },
  binaries: {
    binaries: ["headcni", "headcni-ipam", "loopback"].map((name) => ({
      ...{ name, path: `/opt/cni/bin/${name}`, state: "same" },
    })),
    plugins: [{ type: "portmap", isFound: true }],
  },
  runtimeView: {
    confDirectory: "/etc/cni/net.d",
    binDirectories: ["/opt/cni/bin"],
    loadStatus: "OK",
    notReady: "",
    ownFolders: ["/etc/cni/net.d"],
    ownBinaries: ["/opt/cni/bin"],
  },
  podNetwork: {
    chosen: { cidrs: prefixes("10.244.1.0/24"), source: "config", origin: "nodeLocal" },
    own: prefixes("10.244.1.0/24"),
    reasons: [],
    refused: [],
    warnings: [],
  },
  ranges: {
    cidrs: prefixes("10.244.1.0/24"),
    subnetFile: {
      path: "/run/headcni/env.yaml",
      subnets: prefixes("10.244.1.0/24"),
      fault: "",
      isNeeded: true,
    },
    fixed: [{ path: "/etc/cni/net.d/10-own.conf", subnets: prefixes("10.244.1.0/25") }],
  },
  api: {
    source: "/etc/kubernetes/kubelet.conf",
    finding: { cidrs: prefixes("10.244.1.0/24") },
    annotation: "10.244.1.0/24",
    cidrs: prefixes("10.244.1.0/24"),
  },
  stores: [{
    directory: "/var/lib/headcni",
    faults: [],
    trouble: "",
    space: { freeBytes: 1e10, freeInodes: 1e6, totalInodes: 2e6 },
    hasBallast: true,
    spoolBytes: 0,
  }],
  leases: {
    leases: 3,
    dead: [],
    ofOtherBoots: [],
    networks: [{ network: "headcni", leases: 3, capacity: 253 }],
  },
  kernel: {
    sysctls: new Map([
      ["net/ipv4/conf/all/rp_filter", "0"],
      ["net/ipv4/conf/headcni0/rp_filter", "2"],
      ["net/bridge/bridge-nf-call-iptables", "1"],
      ["net/netfilter/nf_conntrack_count", "100"],
      ["net/netfilter/nf_conntrack_max", "1000"],
      ["fs/inotify/max_user_instances", "128"],
      ["fs/inotify/max_user_watches", "65536"],
    ]),
    bridge: "headcni0",
    tailnetDevice: "tailscale0",
    tentative: [],
    sharedAddresses: [],
    foreignLinks: [],
  },
  datapath: {
    mends: [],
    troubles: [],
    podCidrs: prefixes("10.244.1.0/24"),
    largeLinks: [],
    mtuBytes: 1280,
    acceptedRoutes: prefixes("100.64.0.2/32 10.244.2.0/24"),
    hostRoutes: [{
      destination: prefixes("192.168.1.0/24")[0] ??
        { address: { family: 4, value: 0n }, length: 0 },
      link: "eth0",
      hasGateway: false,
    }],
    blackholes: [],
    lacksClusterCidr: false,
  },
  firewall: {
    masquerade: [],
    isMasqueraded: true,
    forward: [],
    forwardTrouble: "",
    unknownToFirewalld: [],
    mss: [],
    tailnetDevice: "tailscale0",
    foreignChains: ["KUBE-SERVICES", "ts-forward"],
    legacyTables: [],
  },
  mesh: {
    conditions: judgeMesh(meshFacts()),
    conflicts: [],
    warnings: [],
    keyExpiryMs: undefined,
    nowMs: SEEN_MS,
  },
  services: {
    networkd: { manageForeignRoutes: "no", manageForeignRules: "no" },
    unmanaged: ["interface-name:headcni0", "interface-name:veth*"],
    bridge: "headcni0",
    sysctlFiles: [],
    foreignFiles: [],
    now: { ms: SEEN_MS, text: "2026-06-01T00:00:00Z" },
    latest: { ms: SEEN_MS - 1, text: "2026-05-31T23:59:59Z", what: "this program" },
  },
};

/** What was seen, one part changed. */
export function looksWith<Name extends SightName>(
  name: Name,
  change: Partial<DoctorSights[Name]>,
): Looks {
  const sight = Array.isArray(change) ? change : { ...SIGHTS[name], ...change };
  return { ...GOOD_LOOKS, [name]: { saw: sight } };
}

/** Nothing is wrong. */
export const GOOD_LOOKS: Looks = Object.fromEntries(
  Object.entries(SIGHTS).map(([name, sight]) => [name, { saw: sight }]),
);
