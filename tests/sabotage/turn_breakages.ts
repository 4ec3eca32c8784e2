import type { Breakage } from "./breakages.ts";

/** Those of the daemon's turns over its node, and of what it asks the API server. */
export const TURN_BREAKAGES: readonly Breakage[] = [
  // Pods come to a node whose plugin has no subnet file to read.
  {
    file: "lib/daemon/node_turn.ts",
    text: "if (chosen && done.every(Boolean)) {",
    replacement: "if (chosen) {",
    testFile: "lib/daemon/node_turn_test.ts",
    test: "turnNode: a file that cannot be written keeps the network configuration back alone",
  },
  // Pods lose their way as soon as no source names their network any more.
  {
    file: "lib/daemon/node_turn.ts",
    text: "report.inUse = chosen ?? report.inUse;",
    replacement: "report.inUse = chosen;",
    testFile: "lib/daemon/node_turn_test.ts",
    test: "turnNode: without a network plugins are told why; what pods have is kept up",
  },
  // STATUS says that all is well on a node without a network.
  {
    file: "lib/daemon/node_turn.ts",
    text: "tellPlugins(attach, localProblems(report));",
    replacement: "tellPlugins(attach, []);",
    testFile: "lib/daemon/node_turn_test.ts",
    test: "turnNode: without a network plugins are told why; what pods have is kept up",
  },
  // What could not be mended is told to nobody.
  {
    file: "lib/daemon/node_turn.ts",
    text: "failures.push(...tellOutcome(outcome, report, work));",
    replacement: "tellOutcome(outcome, report, work);",
    testFile: "lib/daemon/node_turn_test.ts",
    test: "turnNode: what the kernel refuses is told, and pods may come all the same",
  },
  // A daemon that was stopped keeps pods from its node until the next boot.
  {
    file: "lib/daemon/tell_plugins.ts",
    text: "Deno.removeSync(nodeStatePath(runDirectory));",
    replacement: "",
    testFile: "lib/daemon/tell_plugins_test.ts",
    test: "tellPlugins: what is told is of this boot, and of a daemon that runs",
  },
  // Another program that undoes our work has us do it five times a second, for ever.
  {
    file: "lib/daemon/loop.ts",
    text: "Math.max(settleMs, afterFailuresMs, spacingMs)",
    replacement: "Math.max(settleMs, afterFailuresMs)",
    testFile: "lib/daemon/loop_test.ts",
    test: "Loop: one whose work others undo again and again has pauses; the first comes at once",
  },
  // A half-written file takes all settings back to their defaults.
  {
    file: "lib/daemon/settings/load.ts",
    text: 'if (isReload && file?.text.trim() === "") throw new Error(HALF_WRITTEN);',
    replacement: "",
    testFile: "lib/daemon/settings/load_test.ts",
    test: "loadSettings: an empty file gives all defaults at a start, and is refused on a reload",
  },
  // Nobody hears of a firewall that rejects every pod.
  {
    file: "lib/nft/firewalld.ts",
    text: "!namesOf(network).some((name) => named.has(name))",
    replacement: "named.size === 0",
    testFile: "lib/nft/firewalld_test.ts",
    test: "unknownToFirewalld: rules of a fresh firewalld",
  },
  // The API server takes us for nobody.
  {
    file: "lib/kube/client.ts",
    text: 'if (token) headers.set("authorization", `Bearer ${token}`);',
    replacement: "",
    testFile: "lib/kube/client_test.ts",
    test: "KubeClient: reads a node with its prefixes, by its certificate and token",
  },
  // A node of two families gets the network of one.
  {
    file: "lib/kube/client.ts",
    text: 'podCidrs: podCIDRs.length > 0 ? podCIDRs : podCIDR === "" ? [] : [podCIDR],',
    replacement: 'podCidrs: podCIDR === "" ? podCIDRs : [podCIDR],',
    testFile: "lib/kube/client_test.ts",
    test: "KubeClient: reads a node with its prefixes, by its certificate and token",
  },
  // A version that is too old is asked for again and again, instead of the node itself.
  {
    file: "lib/kube/client.ts",
    text: "throw new KubeError(code, `Cannot watch the node: ${code} ${message}`);",
    replacement: "throw new KubeError(0, `Cannot watch the node: ${code} ${message}`);",
    testFile: "lib/kube/client_test.ts",
    test: "KubeClient: an error in a stream is one, with its code",
  },
  // All conditions of the node are replaced by the one that we tell.
  {
    file: "lib/kube/client.ts",
    text: 'isStatus ? "strategic-merge-patch" : "merge-patch"',
    replacement: '"merge-patch"',
    testFile: "lib/kube/client_test.ts",
    test: "KubeClient: patches annotations by merge, conditions by strategic merge",
  },
  // The administrator's own kubeconfig is used where the user named another.
  {
    file: "lib/kube/access.ts",
    text: "if (kubeconfig !== undefined) return readKubeconfig(kubeconfig);",
    replacement: "",
    testFile: "lib/kube/access_test.ts",
    test: "findAccess: the named file, else the first that a node has, else none",
  },
];
