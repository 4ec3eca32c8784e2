/** What the API server has of HeadCNI, by kubectl; never a Secret. */
import type { Kubectl } from "../../../lib/delegate/kubectl.ts";
import type { DaemonPod } from "../cluster/daemon_pods.ts";
import { type Item, printedBy } from "./item.ts";

const LABEL = "--selector=app.kubernetes.io/name=headcni";
const LOG_LINES = "--tail=1000";

/**
 * Objects as YAML.
 * @param node the only one that is wanted; all of them when undefined.
 */
export function objectItems(kubectl: Kubectl, node?: string): Item[] {
  const got = (name: string, ...args: string[]) =>
    printed(kubectl, `kubernetes/${name}.yaml`, ["get", ...args, "--output=yaml"]);
  return [
    got("nodes", "nodes", ...node === undefined ? [] : [node]),
    got(
      "objects",
      "daemonsets,pods,configmaps,services,serviceaccounts",
      "--all-namespaces",
      LABEL,
    ),
    printed(kubectl, "kubernetes/events.txt", ["get", "events", "--sort-by=.lastTimestamp"]),
  ];
}

/** What the containers of the daemon's pods wrote, those before the present ones too. */
export function podLogItems(kubectl: Kubectl, pods: readonly DaemonPod[]): Item[] {
  return pods.flatMap(({ name, restarts }) => {
    const logs = (file: string, ...args: string[]) =>
      printed(kubectl, `kubernetes/${file}.log`, [
        ...["logs", "--all-containers", "--prefix", LOG_LINES, ...args, name],
      ]);
    return [logs(name), ...restarts > 0 ? [logs(`${name}-previous`, "--previous")] : []];
  });
}

function printed(kubectl: Kubectl, name: string, args: readonly string[]): Item {
  return { name, read: async () => printedBy(await kubectl.try(args)) };
}
