import type { Breakage } from "./breakages.ts";

/** Those of the daemon that runs. */
export const DAEMON_BREAKAGES: readonly Breakage[] = [
  // A folder that another took the place of is watched for ever, and says nothing any more.
  {
    file: "lib/daemon/watch_paths.ts",
    text: "        if (identities() !== before) break;",
    replacement: "",
    testFile: "lib/daemon/watch_paths_test.ts",
    test: "watchFolders: a folder that comes, is replaced, and goes",
  },
  // A turn that fails wakes itself by what it tried, five times a second.
  {
    file: "lib/daemon/loop.ts",
    text: "error === undefined ? 0 : this.#failuresInARow + 1",
    replacement: "0",
    testFile: "lib/daemon/loop_test.ts",
    test: "Loop: one that fails, and wakes itself by that, does not spin",
  },
  // A folder of our file's name keeps the node from being ready.
  {
    file: "lib/node/conf_directory.ts",
    text: "    ...inTheWay.map((folder) => moveAside(folder, entries)),\n",
    replacement: "",
    testFile: "lib/daemon/conf_files_test.ts",
    test: "assertConflist: folders in the place of our file are moved aside, with what they hold",
  },
  // The API server is told that the network is there before any pod could come.
  {
    file: "lib/daemon/kube_link.ts",
    text: 'if (isConfigured && networkUnavailable !== "False") {',
    replacement: 'if (networkUnavailable !== "False") {',
    testFile: "lib/daemon/kube_link_test.ts",
    test: "KubeLink: tells what is used, and that the network is there, until the API knows",
  },
  // The node counts as ready without a network for its pods.
  {
    file: "lib/daemon/report.ts",
    text: "    ...localProblems(report),\n",
    replacement: "",
    testFile: "lib/daemon/report_test.ts",
    test: "readinessReasons: no source names a network",
  },
];
