/** Options by which the verbs of `headcni cluster` know the cluster and the release. */
import { type Command, InvalidArgumentError, Option } from "commander";
import type { Environment } from "../../../lib/cni/environment.ts";
import type { ClusterAccess } from "../../../lib/delegate/kubectl.ts";
import { DEFAULT_NAMESPACE, DEFAULT_RELEASE } from "./target.ts";

/** What they are told. */
export interface AccessOptions {
  readonly namespace: string;
  readonly releaseName: string;
  readonly kubeconfig?: string;
  readonly context?: string;
}

/** Names of namespaces and releases: RFC 1123, 53 characters at most for Helm. */
const NAME = /^[a-z0-9]([a-z0-9-]{0,51}[a-z0-9])?$/;

/** Adds a verb that works on a cluster. */
export function addClusterVerb(cluster: Command, name: string, description: string): Command {
  return cluster.command(name)
    .description(description)
    .addOption(
      new Option("-n, --namespace <name>", "of the release").argParser(wantName)
        .default(DEFAULT_NAMESPACE),
    )
    .addOption(
      new Option("--release-name <name>", "the release of Helm").argParser(wantName)
        .default(DEFAULT_RELEASE),
    )
    .option("--kubeconfig <path>", "as of kubectl")
    .option("--context <name>", "as of kubectl");
}

/** The cluster that they name. */
export function accessOf(options: AccessOptions, env: Environment): ClusterAccess {
  const { namespace, kubeconfig, context } = options;
  return { namespace, kubeconfig, context, path: env.PATH };
}

/** `--timeout SECONDS`. */
export function timeoutOption(description: string, seconds: number): Option {
  return new Option("--timeout <seconds>", description).argParser((text) => {
    const value = Number(text);
    if (Number.isInteger(value) && value > 0 && value <= 86_400) return value;
    throw new InvalidArgumentError("Seconds are wanted, a whole number of them.");
  }).default(seconds);
}

function wantName(text: string): string {
  if (NAME.test(text)) return text;
  throw new InvalidArgumentError("Small letters, digits and hyphens are wanted, 53 at most.");
}
