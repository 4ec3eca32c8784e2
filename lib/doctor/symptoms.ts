/**
 * What users of such systems complain about, collected from the threads of their projects, and the checks that
 * tell of it; or why it is nothing that can be seen on a node.
 */

/** A symptom with the ids of its checks, or the reason why it has none. */
export type Symptom = readonly [symptom: string, seen: readonly string[] | string];

/** In the order in which they were collected; a test proves that the checks exist. */
export const SYMPTOMS: readonly Symptom[] = [
  ["addresses leak after a reboot or crash, the range runs dry", ["leases", "leases-boot", "pool"]],
  [
    "the IPAM plugin has no GC, no exclusions",
    "a lack of another plugin: ours has them, and what it leaves is seen by leases",
  ],
  ["damaged or empty state files after a loss of power", ["store", "conflist", "subnet-file"]],
  [
    "an address that was freed comes back at once, with the old pod's connections",
    "only the next pod's first packets tell of it; released addresses rest (ipam.cooldown), and DEL " +
    "forgets connections",
  ],
  ["a cleaner frees addresses of living pods, or never frees those of dead ones", ["leases"]],
  [
    "two nodes give the same addresses",
    ["fixed-subnet", "pod-cidr", "pod-cidr-api", "mesh-conflicts"],
  ],
  ["subnet.env: no such file", ["subnet-file", "ready", "pod-cidr"]],
  ["cni plugin not initialized, though the file is there", [
    "conflist",
    "runtime-view",
    "runtime-folders",
  ]],
  ["several configurations, the wrong one wins", ["conflist-first", "foreign-cni"]],
  ["text file busy; the folder of plugins was emptied", [
    "executables",
    "loopback",
    "daemon-release",
  ]],
  ["the bridge already has an address of another network", ["bridge-address", "bridge"]],
  ["pods stay in Terminating, for DEL fails", [
    "executables",
    "other-plugins",
    "store",
    "store-space",
  ]],
  [
    "thousands of rules, waits for the lock of xtables",
    ["legacy-xtables"],
  ],
  [
    "SNAT hides the address of pods, or is missing",
    ["masquerade", "mesh-own-addresses", "foreign-chains"],
  ],
  ["stale routes after a change of the PodCIDR", ["stale-routes", "blackholes", "guard-route"]],
  ["NetworkPolicy is not enforced", ["network-policy"]],
  [
    "IPv6 addresses are tentative, first connections fail",
    ["dad"], // those of pods are set without detection, and lie in namespaces of their own
  ],
  [
    "runtimes call GC late, never, or without a list",
    "their fault, and none that harms: the daemon frees what is dead (leases)",
  ],
  ["the tailnet's table takes local traffic", ["ip-rule", "accepted-routes"]],
  ["the source address is lost behind subnet routers", ["mesh-own-addresses"]],
  ["large answers are lost: MTU", ["mtu", "mss-clamp", "mesh-forwarding"]],
  ["100.64.0.0/10 is the provider's, too", ["pod-cidr-overlap", "shared-range"]],
  ["stateful filtering drops what pods begin", ["mesh-stateful-filtering"]],
  ["systemd-networkd or NetworkManager removes rules and routes", ["networkd", "network-manager"]],
  ["forwarding is off", ["forwarding", "sysctl-files"]],
  ["routes are advertised, but never approved", ["mesh-routes-served"]],
  [
    "the policy names only subnets: other nodes get no route",
    ["mesh-routes-accepted", "mesh-source-accepted"],
  ],
  ["two nodes serve the same route", ["mesh-conflicts"]],
  ["the user's routes are overwritten, the node needs a key", [
    "mesh-routes-served",
    "mesh-login",
    "mesh-prefs",
  ]],
  ["pods of nodes behind NAT have no way out", ["masquerade", "forward-policy", "mesh-state"]],
];
