import type { Breakage } from "./breakages.ts";

/** Those of the daemon's upkeep of the datapath. */
export const UPKEEP_BREAKAGES: readonly Breakage[] = [
  // The bridge's address goes from under the pods that use it.
  {
    file: "lib/node/datapath.ts",
    text: "!have.podAddresses.some((pod) => containsAddress(address, pod))",
    replacement: "true",
    testFile: "lib/node/datapath_test.ts",
    test: "planDatapath: a new network comes before the old one goes",
  },
  // Rules of an administrator are taken for ours and removed.
  {
    file: "lib/node/datapath.ts",
    text: "rule.protocol === HEADCNI_RTPROT && !isIn(wanted, rule)",
    replacement: "!isIn(wanted, rule)",
    testFile: "lib/node/datapath_test.ts",
    test: "planDatapath: rules of somebody else do something else",
  },
  // Masquerade of a network that is gone stays for ever.
  {
    file: "lib/nft/plan.ts",
    text: 'extent === "exactly" ? replaceIntervals : coverIntervals',
    replacement: "extent ? coverIntervals : replaceIntervals",
    testFile: "lib/nft/plan_test.ts",
    test: "planTable: wanted exactly, what others put into a set goes",
  },
  // A rule that a tool restored is not known for ours, and each pass adds another.
  {
    file: "lib/nft/forward_accept.ts",
    text: '!== "immediate") return false;',
    replacement: '!== "match") return false;',
    testFile: "lib/nft/forward_accept_test.ts",
    test: "planForwardAccept: nothing to do where all is there, whoever wrote the rule",
  },
  // Pods of another network lose their way out when the daemon starts.
  {
    file: "lib/daemon/wanted_masquerade.ts",
    text: "if (!attachment || !network) return { isMasqueraded: true,",
    replacement: "if (!attachment || !network) return { isMasqueraded: false,",
    testFile: "lib/daemon/wanted_masquerade_test.ts",
    test: "wantedMasquerade: other networks as their pods were added",
  },
  // Half a file of settings is read.
  {
    file: "lib/daemon/watch_paths.ts",
    text: "while (versionOf(path) !== version);",
    replacement: "while (versionOf(path) !== version && false);",
    testFile: "lib/daemon/watch_paths_test.ts",
    test: "watchFile: a file that is emptied and written later is told of once, when it is whole",
  },
  // The log of a node without iptables grows by a line each turn.
  {
    file: "lib/delegate/legacy_forward.ts",
    text: "if (this.#executables.get(family) === undefined) {",
    replacement: "if (true) {",
    testFile: "lib/delegate/legacy_forward_test.ts",
    test: "LegacyForward: a node without iptables is told of once, and is no failure",
  },
  // A node whose iptables was removed is not ready any more.
  {
    file: "lib/delegate/legacy_forward.ts",
    text: "this.#executables.delete(family); // it may have been removed",
    replacement: "",
    testFile: "lib/delegate/legacy_forward_test.ts",
    test: "LegacyForward: looks for iptables until it is there, and again when it has gone",
  },
  // The daemon stands still where somebody else keeps removing our table.
  {
    file: "lib/linux/set_masquerade.ts",
    text: "attempt < MAX_ATTEMPTS;",
    replacement: "attempt < Infinity;",
    testFile: "lib/linux/set_masquerade_test.ts",
    test: "setMasquerade: an end where others undo each write, or come between each time",
  },
  // Each segment of the largest size is lost on its way, by the length of its headers.
  {
    file: "lib/nft/mss_clamp.ts",
    text: "lowerSegment(mtuBytes - HEADER_BYTES[family])",
    replacement: "lowerSegment(mtuBytes)",
    testFile: "lib/nft/mss_clamp_test.ts",
    test: "planMssClamp: follows the name and the MTU of the device",
  },
  // Only who calls first is told; the other end sends as much as before.
  {
    file: "lib/nft/mss_clamp.ts",
    text: '(["saddr", "daddr"] as const)',
    replacement: '(["saddr"] as const)',
    testFile: "lib/nft/mss_clamp_test.ts",
    test: "planMssClamp: both ends of a connection, to and from the tailnet",
  },
  // A rule of a link that has gone stays for ever.
  {
    file: "lib/nft/mss_clamp.ts",
    text: "return [flushChain(chain), removeChain(chain)];",
    replacement: "return [];",
    testFile: "lib/nft/mss_clamp_test.ts",
    test: "planMssClamp: without a device, or pods, the chain goes",
  },
  // Pods send more than the tailnet's link takes.
  {
    file: "lib/pod/addresses.ts",
    text: "Math.min(DEFAULT_MTU_BYTES, ...present)",
    replacement: "Math.min(DEFAULT_MTU_BYTES, ...present.slice(0, 1))",
    testFile: "lib/pod/addresses_test.ts",
    test: "podMtu: configured, or 1280, or the lowest of the links by which packets leave",
  },
  // With an exit node, pods leave under an address that nobody outside can answer.
  {
    file: "lib/node/remote_pod_cidrs.ts",
    text: "prefix.length > 0 && ",
    replacement: "",
    testFile: "lib/node/remote_pod_cidrs_test.ts",
    test: "remotePodCidrs: what tailscaled accepted, by its own link, but no tailnet and no exit",
  },
  // Pods elsewhere see the node in the place of the pod that calls.
  {
    file: "lib/daemon/wanted_masquerade.ts",
    text: "...serviceCidrs, ...remotePodCidrs].map",
    replacement: "...serviceCidrs].map",
    testFile: "lib/daemon/wanted_masquerade_test.ts",
    test: "wantedMasquerade: pods of other nodes see who calls, also without a cluster network",
  },
];
