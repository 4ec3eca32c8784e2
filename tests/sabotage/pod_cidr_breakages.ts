import type { Breakage } from "./breakages.ts";

/** Those of the CIDRs of a node: who names them, what they must not meet, and how they are kept. */
export const POD_CIDR_BREAKAGES: readonly Breakage[] = [
  // Two nodes give their pods the same addresses although nobody allowed it.
  {
    file: "lib/node/pod_cidr.ts",
    text: "finding: mayCompute\n",
    replacement: "finding: true\n",
    testFile: "lib/node/pod_cidr_test.ts",
    test: "choosePodCidr: nothing is computed or taken as default without opt-in",
  },
  // Every node takes the whole cluster's addresses for its own.
  {
    file: "lib/node/pod_cidr.ts",
    text: "ofCluster.some((all) => containsPrefix(cidr, all))",
    replacement: "false && ofCluster",
    testFile: "lib/node/pod_cidr_test.ts",
    test: "choosePodCidr: a cluster's CIDR in a node's place is not taken",
  },
  // The copy of a node's disk gives its pods that node's addresses.
  {
    file: "lib/node/pod_cidr.ts",
    text: "if (says.nodeName !== nodeName)",
    replacement: "if (false)",
    testFile: "lib/node/pod_cidr_test.ts",
    test: "choosePodCidr: no last good value of another node, nor of another cluster",
  },
  // A file that is being written gives the node a quarter of all addresses.
  {
    file: "lib/discovery/node_file.ts",
    text: "const odd = cidrs.find(hasHostBits);",
    replacement: "const odd = cidrs.find((each) => hasHostBits(each) && false);",
    testFile: "lib/discovery/node_file_test.ts",
    test: "parseNodeFile: a file cut anywhere says what it said, less, or is refused",
  },
  // What an operator overrules in config.yaml.d stays as it was.
  {
    file: "lib/daemon/pod_cidr_sources.ts",
    text: ".sort().reverse()",
    replacement: ".sort()",
    testFile: "lib/daemon/pod_cidr_sources_test.ts",
    test: "readPodCidrFiles: of a folder the last by name is the strongest",
  },
  // Pods take addresses of the devices of the tailnet.
  {
    file: "lib/node/overlaps.ts",
    text:
      '...checkKnown(cidr, TAILNET_PREFIXES.map((prefix) => [prefix, "addresses of the tailnet"])),',
    replacement: "",
    testFile: "lib/node/overlaps_test.ts",
    test: "checkPodCidr: services, tailnet, special addresses, size and cluster are refused",
  },
  // A runtime reads half a conflist.
  {
    file: "lib/daemon/replace_file.ts",
    text: "syncPath(fresh);\n    Deno.renameSync(fresh, path);",
    replacement: "syncPath(fresh);\n    Deno.writeFileSync(path, Deno.readFileSync(fresh));",
    testFile: "lib/daemon/atomic_file_test.ts",
    test: "writeAtomically: who has the old file open goes on reading it",
  },
  // The plugin finds no subnet file that it can use on a node of one family in a cluster of two.
  {
    file: "lib/node/subnet_file_text.ts",
    text: "if (subnets.length === 0) return [];",
    replacement: "",
    testFile: "lib/node/subnet_file_text_test.ts",
    test: "formatSubnetEnv, formatSubnetYaml: one family of two, no MTU, nobody names the cluster",
  },
  // What the controller manager says of a node's share counts for nothing.
  {
    file: "lib/daemon/discover.ts",
    text: 'origins.get(PER_NODE)?.from === "default" ? {} : perNode',
    replacement: "perNode",
    testFile: "lib/daemon/discover_test.ts",
    test:
      "discoverPodCidrs: how long a node's share is: a setting, then the files, then the default",
  },
  // A single node gets a default that its own cluster refuses.
  {
    file: "lib/node/pod_cidr.ts",
    text: "clusterCidrs.length > 0\n          ? firstPodCidrs",
    replacement: "clusterCidrs.length < 0\n          ? firstPodCidrs",
    testFile: "lib/node/pod_cidr_test.ts",
    test: "choosePodCidr: the default is the first part of what the cluster has, if that is known",
  },
];
