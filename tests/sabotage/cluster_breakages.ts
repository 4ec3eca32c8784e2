/** One-line breakages of what is done from a workstation, tried and collected. */
import type { Breakage } from "./breakages.ts";

export const CLUSTER_BREAKAGES: readonly Breakage[] = [
  // A key of the settings goes out in a bundle, as Kubernetes writes it.
  {
    file: "lib/redact_text.ts",
    text: "[secret, base64(secret)]",
    replacement: "[secret]",
    testFile: "lib/redact_text_test.ts",
    test: "redactText: what is known is found without a name, in base64 too",
  },
  // The secret of a variable of a container stands in another line than its name.
  {
    file: "lib/redact_text.ts",
    text: "`(name${QUOTE}",
    replacement: "`(nname${QUOTE}",
    testFile: "lib/redact_text_test.ts",
    test: "redactText: variables of a container, YAML",
  },
  // One pod that cannot be reached is drowned by those that can.
  {
    file: "lib/daemon/connect/trial.ts",
    text: 'failed.length > 0 ? "failed"',
    replacement: 'failed.length === outcomes.length ? "failed"',
    testFile: "commands/admin/connect_test/report_test.ts",
    test: "judgeAttempts, formatTrial: one failure fails it, and is what is told",
  },
  // A pod of a trial is taken away from the wrong end.
  {
    file: "lib/delegate/network_list.ts",
    text: "list.plugins.toReversed()",
    replacement: "list.plugins",
    testFile: "lib/delegate/network_list_test.ts",
    test: "addNetwork, deleteNetwork: each plugin with the result before it, and back",
  },
  // The other nodes' kernels drop each echo.
  {
    file: "lib/net/icmp_echo.ts",
    text: "return ~sum & 0xffff;",
    replacement: "return sum & 0xffff;",
    testFile: "lib/net/icmp_echo_test.ts",
    test: "encodeEchoRequest: IPv4 with the checksum of RFC 1071, IPv6 without",
  },
  // A command for one node runs on the workstation.
  {
    file: "commands/admin/cluster/target.ts",
    text: "/^--node(?:=|$)/",
    replacement: "/^--node$/",
    testFile: "commands/admin/cluster/target_test.ts",
    test: "takeTarget: refuses values that are missing, and some nodes with all",
  },
  // What is empty overwrites what was set before.
  {
    file: "commands/admin/cluster/release_values.ts",
    text: "Object.keys(section).length > 0 ?",
    replacement: "true ?",
    testFile: "commands/admin/cluster/release_values_test.ts",
    test: "releaseValues: what no flag names is left to the chart",
  },
  // A key in the list of a container's words goes out in a bundle.
  {
    file: "lib/redact_text.ts",
    text: "(?:\\\\s*,\\\\s*|\\\\s*\\\\n\\\\s*-\\\\s+)",
    replacement: "(?:\\\\s*,\\\\s*)",
    testFile: "lib/redact_text_test.ts",
    test: "redactText: a command line as a list, YAML",
  },
  // A Secret of the user's goes with ours.
  {
    file: "commands/admin/cluster/uninstall.ts",
    text: "`--selector=${OWN_LABEL}`",
    replacement: "`--selector=`",
    testFile: "tests/cli/admin_cluster_test.ts",
    test: "cluster uninstall: release and our Secret go, and dry-run changes nothing",
  },
  // A cluster that could not be asked is called empty.
  {
    file: "commands/admin/cluster/release.ts",
    text: "code !== 0 && /not found/i.test(stderr)",
    replacement: "code !== 0",
    testFile: "tests/cli/admin_cluster_test.ts",
    test: "cluster uninstall: where Helm cannot tell nothing is called gone",
  },
  // The private key of a node goes out in a bundle.
  {
    file: "lib/redact_text.ts",
    text: "|nlpriv:)",
    replacement: ")",
    testFile: "lib/redact_text_test.ts",
    test: "redactText: keys of Tailscale and Headscale",
  },
  // Half of a key goes out, for another one is its beginning.
  {
    file: "lib/redact_text.ts",
    text: "other.length - one.length",
    replacement: "one.length - other.length",
    testFile: "lib/redact_text_test.ts",
    test: "redactText: of a known secret that begins like another nothing is left",
  },
  // A loop over the lines of a file loses those that are left.
  {
    file: "commands/admin/cluster/run_on_nodes.ts",
    text: "isTerminal || readsStream(args)",
    replacement: "isTerminal || namesStream(args)",
    testFile: "tests/cli/admin_nodes_test.ts",
    test: "headcni --node: standard input goes there where a dash asks for it, and else stays",
  },
  // Helm takes the Secret with the keys away that was just written.
  {
    file: "commands/admin/cluster/keys.ts",
    text: 'if (manager !== "Helm")',
    replacement: "if (manager)",
    testFile: "tests/cli/admin_cluster_keys_test.ts",
    test: "cluster install: a Secret that Helm would take away is not written",
  },
  // Every DaemonSet is told that its runtime looks elsewhere.
  {
    file: "lib/daemon/node_files.ts",
    text: 'isNamed("cni.confDir", origins) ? "/" : root',
    replacement: "root",
    testFile: "lib/daemon/node_files_test.ts",
    test: "runtimeConfFolders: what is named is by the paths of the node, in a container too",
  },
  // The second of two tools waits as long as it likes.
  {
    file: "commands/admin/connect_test/cluster_plans.ts",
    text: 'script.replaceAll("SECONDS"',
    replacement: 'script.replace("SECONDS"',
    testFile: "tests/cli/admin_cluster_trials_test.ts",
    test: "connect-test --all-nodes: pods on each node, tried and removed",
  },
];
