/** `headcni mesh policy`: what Headscale's policy has to say for this cluster. */
import { type Command, Option } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import { discoverPodCidrs } from "../../../lib/daemon/discover.ts";
import { ConfigError } from "../../../lib/errors.ts";
import { formatPolicy } from "../../../lib/mesh/policy.ts";
import { formatPrefix, parsePrefix, type Prefix } from "../../../lib/net/prefix.ts";
import { print } from "../print.ts";
import { readSettings } from "../settings.ts";
import { addVerb, type MeshOptions } from "./verb.ts";

const HELP = `
Prints a snippet in Headscale's own format (JSON with comments). With it and a pre-auth key that has the
tags, nodes need no API key: Headscale approves the networks of their pods by itself.

The pods' networks of the cluster are network.podCIDR.base of the settings, else those that files of this
node tell, unless --cluster-cidr gives them. Tags are tailscale.tags. Nothing is asked and nothing is
changed: merge it into your policy.

JSON: {"policy": text, "clusterCidrs": [text]}

Examples:
  headcni mesh policy
  headcni mesh policy --cluster-cidr 10.42.0.0/16 > snippet.hujson`;

/** What it is told beside the settings. */
interface PolicyOptions extends MeshOptions {
  readonly clusterCidr?: readonly Prefix[];
}

/** Adds the verb `policy`. */
export function addPolicy(mesh: Command, env: Environment): void {
  addVerb(mesh, "policy", "print the policy that lets Headscale approve the pods' networks")
    .addOption(
      new Option("--cluster-cidr <prefixes>", "network of all pods; with commas for both families")
        .argParser((text) => text.split(",").map(parsePrefix)),
    )
    .addHelpText("after", HELP)
    .action(async (options: PolicyOptions) => {
      const loaded = readSettings(options, env);
      const { tags, user } = loaded.settings.tailscale;
      const clusterCidrs = options.clusterCidr ?? discoverPodCidrs(loaded, {
        root: env.HEADCNI_HOST_ROOT ?? "",
        environment: env.NODE_POD_CIDR || undefined,
        apiServer: undefined,
        hostRoutes: [],
        inUse: [],
      }).cluster.clusterCidrs;
      requireNetworks(clusterCidrs);
      const policy = formatPolicy({ clusterCidrs, tags, ...user !== undefined && { user } });
      await print(
        options.output,
        { policy, clusterCidrs: clusterCidrs.map(formatPrefix) },
        () => policy.trimEnd(),
      );
    });
}

function requireNetworks(clusterCidrs: readonly Prefix[]): void {
  if (clusterCidrs.length > 0) return;
  throw new ConfigError(
    "invalid-config",
    "Cannot print the policy: the pods' network of the cluster is not known",
    { details: "Name it by --cluster-cidr, or by network.podCIDR.base of the settings" },
  );
}
