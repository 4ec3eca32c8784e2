import { assertEquals } from "@std/assert";
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
