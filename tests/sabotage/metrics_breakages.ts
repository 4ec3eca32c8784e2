import type { Breakage } from "./breakages.ts";

/** Those of the daemon's metrics, and of what they are read from. */
export const METRICS_BREAKAGES: readonly Breakage[] = [
  // Two loops open the same store, and one of the two is never closed.
  {
    file: "lib/daemon/stores.ts",
    text: "const turn = this.#last.then(fn);",
    replacement: "const turn = fn();",
    testFile: "lib/daemon/stores_test.ts",
    test: "NodeStores: two that ask at once get the same store, by whatever path",
  },
  // A node of which every ADD fails tells of no error.
  {
    file: "lib/daemon/store_use.ts",
    text: "    await settle(store);\n",
    replacement: "",
    testFile: "lib/daemon/store_use_test.ts",
    test: "readStoreUse: counts failures on a node where nothing succeeds",
  },
  // Two stores with a network of one name: a scrape has the same number twice, and is refused.
  {
    file: "lib/daemon/store_use.ts",
    text: "(same) => same.reduce(join)",
    replacement: "(same) => same.slice(0, 1).reduce(join)",
    testFile: "lib/daemon/store_use_test.ts",
    test: "readStoreUse: what several stores have under one name is summed",
  },
  // A pod has an address of each family: the larger one would tell that there is room for it.
  {
    file: "lib/daemon/store_use.ts",
    text: "Math.min(...sizes)",
    replacement: "Math.max(...sizes)",
    testFile: "lib/daemon/store_use_test.ts",
    test: "readStoreUse: leases of each network, and how many there can be",
  },
  // promtool takes no gauge of that name.
  {
    file: "lib/daemon/metrics.ts",
    text: 'type: "untyped",',
    replacement: 'type: "gauge",',
    testFile: "lib/daemon/metrics_test.ts",
    test: "nodeFamilies: every family with its help, type and numbers",
  },
];
