import { assertEquals } from "@std/assert";
import { dirname } from "@std/path";
import { formatPrefix, parsePrefix } from "../net/prefix.ts";
import { discoverPodCidrs, type DiscoveryFacts } from "./discover.ts";
import { loadSettings } from "./settings/load.ts";
import { readFlags } from "./settings/read_flags.ts";

/** Asks with settings by flags and environment, in an empty tree. */
function discover(
  flags: readonly string[],
  env: Readonly<Record<string, string>> = {},
  facts: Partial<DiscoveryFacts> = {},
) {
  const root = Deno.makeTempDirSync({ prefix: "hct" });
  try {
    const line = readFlags(["--node-name", "edge-7", "--data-dir", `${root}/data`, ...flags]);
    const loaded = loadSettings({ line, env, defaultPath: `${root}/none` });
    const environment = env.NODE_POD_CIDR;
    const all = { root, environment, apiServer: undefined, hostRoutes: [], inUse: [], ...facts };
    const { chosen, reasons, verdict } = discoverPodCidrs(loaded, all);
    return {
      found: chosen ? `${chosen.source} ${chosen.cidrs.map(formatPrefix)}` : "none",
      reasons,
      verdict,
    };
  } finally {
    Deno.removeSync(root, { recursive: true });
  }
}

const API = { apiServer: { cidrs: ["10.7.0.0/24", "fd00:7::/64"].map(parsePrefix) } };

const ROWS: readonly (readonly [
  what: string,
  found: string,
  ...args: Parameters<typeof discover>,
])[] = [
  ["a flag", "config 10.9.0.0/24", ["--node-pod-cidr", "10.9.0.0/24"], {
    NODE_POD_CIDR: "10.8.0.0/24",
  }],
  ["the variable is a source of its own", "environment 10.8.0.0/24", [], {
    NODE_POD_CIDR: "10.8.0.0/24",
  }],
  ["the API server", "api-server 10.7.0.0/24,fd00:7::/64", [], {}, API],
  ["IPv6 that is turned off", "api-server 10.7.0.0/24", ["--enable-ipv6=false"], {}, API],
  ["nothing but IPv6 that is turned off", "none", [
    "--enable-ipv6=false",
    "--node-pod-cidr=fd00:9::/64",
  ]],
  ["the cluster's network is never the node's", "none", ["--pod-cidr", "10.0.0.0/8"]],
  ["the network of the tailnet is refused", "none", ["--node-pod-cidr", "100.64.1.0/24"]],
];

for (const [what, found, ...args] of ROWS) {
  Deno.test(`discoverPodCidrs: ${what}`, () => {
    const result = discover(...args);
    assertEquals(result.found, found, result.reasons.join("\n"));
    assertEquals(result.reasons.length > 0, true, "it says why");
  });
}

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
    const facts = { root, environment: undefined, apiServer: undefined, hostRoutes: [], inUse: [] };
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
