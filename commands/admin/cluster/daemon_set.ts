/** The DaemonSet of a release: what it has, and whether its rollout comes to an end. */
import * as v from "valibot";
import type { Kubectl } from "../../../lib/delegate/kubectl.ts";
import { HeadcniError } from "../../../lib/errors.ts";
import { parseWith } from "../../../lib/schema.ts";
import type { AccessOptions } from "./access_options.ts";
import { listDaemonPods, releaseSelector } from "./daemon_pods.ts";

/** It in numbers of nodes. */
export interface DaemonSetView {
  readonly name: string;
  readonly namespace: string;
  readonly desired: number;
  readonly current: number;
  readonly ready: number;
  readonly available: number;
  readonly up_to_date: number;
}

const Count = v.optional(v.number(), 0);
const DaemonSetList = v.object({
  items: v.array(v.object({
    metadata: v.object({
      name: v.string(),
      namespace: v.string(),
      labels: v.optional(v.record(v.string(), v.string()), {}),
    }),
    status: v.optional(
      v.object({
        desiredNumberScheduled: Count,
        currentNumberScheduled: Count,
        numberReady: Count,
        numberAvailable: Count,
        updatedNumberScheduled: Count,
      }),
      {},
    ),
  })),
});

/** The daemon's own, not that of a tailscaled beside it; undefined when there is none. @throws ClientError */
export async function findDaemonSet(
  kubectl: Kubectl,
  release: Pick<AccessOptions, "releaseName">,
): Promise<DaemonSetView | undefined> {
  const line = ["daemonsets", releaseSelector(release)];
  const answer = await kubectl.get("find the DaemonSet of HeadCNI", line);
  const { items } = parseWith(DaemonSetList, answer, "the list of DaemonSets");
  const found = items.find(({ metadata: { labels } }) =>
    labels["app.kubernetes.io/component"] !== "tailscaled"
  );
  return found && {
    name: found.metadata.name,
    namespace: found.metadata.namespace,
    desired: found.status.desiredNumberScheduled,
    current: found.status.currentNumberScheduled,
    ready: found.status.numberReady,
    available: found.status.numberAvailable,
    up_to_date: found.status.updatedNumberScheduled,
  };
}

/**
 * Waits until all nodes have what was asked for last; kubectl's own words on the way go to standard error.
 * @throws HeadcniError that names the nodes that have not.
 */
export async function awaitRollout(
  kubectl: Kubectl,
  release: Pick<AccessOptions, "releaseName">,
  timeoutSeconds: number,
): Promise<DaemonSetView> {
  const { name } = await requireDaemonSet(kubectl, release);
  const code = await kubectl.stream(
    ["rollout", "status", `daemonset/${name}`, `--timeout=${timeoutSeconds}s`],
    {
      stdout: (bytes) => Deno.stderr.writeSync(bytes),
      onErrorLine: (line) => console.error(line),
    },
  );
  if (code === 0) return await requireDaemonSet(kubectl, release);
  const pods = await listDaemonPods(kubectl, release);
  const troubles = pods.filter(({ isReady }) => !isReady)
    .map(({ node, trouble }) => `${node}: ${trouble ?? "its pod is not ready"}`);
  throw new HeadcniError(
    "unavailable",
    `Cannot finish the rollout in ${timeoutSeconds} s: ${troubles.length} nodes are not ready`,
    troubles.length > 0 ? { details: troubles.join("\n") } : {},
  );
}

async function requireDaemonSet(
  kubectl: Kubectl,
  release: Pick<AccessOptions, "releaseName">,
): Promise<DaemonSetView> {
  const found = await findDaemonSet(kubectl, release);
  if (found) return found;
  throw new HeadcniError(
    "unavailable",
    `Cannot find the DaemonSet of release "${release.releaseName}": there is none; ` +
      "--namespace and --release-name name another",
  );
}
