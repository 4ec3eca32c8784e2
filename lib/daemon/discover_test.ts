import { assertEquals } from "@std/assert";
import { dirname } from "@std/path";
import { formatPrefix } from "../net/prefix.ts";
import { discoverPodCidrs } from "./discover.ts";
import { loadSettings } from "./settings/load.ts";
import { readFlags } from "./settings/read_flags.ts";

const MANIFEST = `spec:
  containers:
  - command:
    - kube-controller-manager
    - --cluster-cidr=10.244.0.0/16
    - --node-cidr-mask-size=26
`;

/** What the node "node-1" with that manifest and these flags chooses. */
function choose(...args: string[]): string | undefined {
  const root = Deno.makeTempDirSync({ prefix: "hct-discover" });
  try {
    const path = `${root}/etc/kubernetes/manifests/kube-controller-manager.yaml`;
    Deno.mkdirSync(dirname(path), { recursive: true });
    Deno.writeTextFileSync(path, MANIFEST);
    const line = readFlags(["--node-name=node-1", `--data-dir=${root}/data`, ...args]);
    const loaded = loadSettings({ line, env: {}, defaultPath: `${root}/daemon.yaml` });
    const facts = { root, environment: undefined, apiServer: undefined, hostRoutes: [] };
    return discoverPodCidrs(loaded, facts).chosen?.cidrs.map(formatPrefix).join(" ");
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

Deno.test("discoverPodCidrs: how long a node's share is: a setting, then the files, then the default", () => {
  const compute = "--allow-computed-pod-cidr=hash";
  assertEquals(choose(), undefined);
  assertEquals(choose(compute), "10.244.64.64/26");
  assertEquals(choose(compute, "--pod-cidr-per-node=/25"), "10.244.128.128/25");
});
