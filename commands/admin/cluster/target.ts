/** Which nodes of a cluster a command is for, when it is run from a workstation. */
import { Option } from "commander";
import type { ClusterAccess } from "../../../lib/delegate/kubectl.ts";
import { ConfigError } from "../../../lib/errors.ts";
import type { Environment } from "../../../lib/cni/environment.ts";

/** Nodes of a cluster. */
export interface NodeTarget {
  readonly access: ClusterAccess;
  /** The Helm release that runs there. */
  readonly releaseName: string;
  /** In the order of the command line; all nodes when undefined. */
  readonly nodes: readonly string[] | undefined;
}

/** A command line, without what says where it is run. */
export interface TargetedLine {
  /** Undefined for a command that is run here. */
  readonly target: NodeTarget | undefined;
  readonly rest: readonly string[];
}

export const DEFAULT_NAMESPACE = "kube-system";
export const DEFAULT_RELEASE = "headcni";

/** What stands in the help of the whole program. */
export const TARGET_HELP = `
From a workstation, with kubectl, any of them runs on nodes:
  --node <name>           there, in the pod of the DaemonSet; again for more nodes
  --all-nodes             on all of them; one object by node with --output json or yaml
  -n, --namespace <name>  of the release (default: ${DEFAULT_NAMESPACE})
  --release-name <name>   its name (default: ${DEFAULT_RELEASE})
  --kubeconfig <path>, --context <name>   as of kubectl`;

/** They as options of a command line. */
export function targetOptions(): Option[] {
  return [
    new Option("--node <name>", "run it there, from a workstation"),
    new Option(ALL_NODES, "run it on all nodes, from a workstation"),
    new Option("-n, --namespace <name>", "of the release on the nodes"),
    new Option("--release-name <name>", "of the release on the nodes"),
    new Option("--kubeconfig <path>", "as of kubectl"),
    new Option("--context <name>", "as of kubectl"),
  ];
}

/** Options of which the value follows, or stands behind `=`. */
const VALUED: Readonly<Record<string, keyof TargetValues>> = {
  "--node": "node",
  "-n": "namespace",
  "--namespace": "namespace",
  "--release-name": "releaseName",
  "--kubeconfig": "kubeconfig",
  "--context": "context",
};
const ALL_NODES = "--all-nodes";

type TargetValues = Record<
  "node" | "namespace" | "releaseName" | "kubeconfig" | "context",
  string[]
>;

/**
 * Takes the options that name nodes, and those beside them that name the cluster, out of a command line.
 * Without any node it stays as it is.
 * @throws ConfigError when a value is missing, or both some nodes and all are named.
 */
export function takeTarget(args: readonly string[], env: Environment): TargetedLine {
  const isTargeted = args.some((arg) => arg === ALL_NODES || /^--node(?:=|$)/.test(arg));
  if (!isTargeted) return { target: undefined, rest: args };
  const values: TargetValues = {
    ...{ node: [], namespace: [], releaseName: [], kubeconfig: [], context: [] },
  };
  const rest: string[] = [];
  for (let at = 0; at < args.length; at++) {
    const arg = args[at] ?? "";
    const [name = "", ...behind] = arg.split("=");
    const key = VALUED[name];
    if (arg === ALL_NODES) continue;
    if (key === undefined) {
      rest.push(arg);
      continue;
    }
    const value = behind.length > 0 ? behind.join("=") : args[++at];
    if (!value) throw misuse(`option "${name}" needs a value`);
    values[key].push(value);
  }
  const { node } = values;
  const isAll = args.includes(ALL_NODES);
  if (isAll && node.length > 0) throw misuse("--node and --all-nodes do not go together");
  return {
    target: {
      access: {
        kubeconfig: values.kubeconfig.at(-1),
        context: values.context.at(-1),
        namespace: values.namespace.at(-1) ?? DEFAULT_NAMESPACE,
        path: env.PATH,
      },
      releaseName: values.releaseName.at(-1) ?? DEFAULT_RELEASE,
      nodes: isAll ? undefined : [...new Set(node)],
    },
    rest,
  };
}

function misuse(seen: string): ConfigError {
  return new ConfigError("invalid-config", `Cannot choose nodes: ${seen}`);
}
