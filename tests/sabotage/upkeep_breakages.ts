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
    text: "if (known === undefined) {",
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
];
