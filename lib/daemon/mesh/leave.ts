/** A node that leaves the mesh, and one that comes back. */
import { errorText } from "../../errors.ts";
import { planApproval } from "../../mesh/approvals.ts";
import { hasRoute } from "../../mesh/own_routes.ts";
import { formatPrefix } from "../../net/prefix.ts";
import { LocalApi } from "../../tailscale/local_api.ts";
import { tailscaleSocket } from "../own_tailscaled.ts";
import type { Settings } from "../settings/settings.ts";
import { readMemory, updateMemory } from "./memory_file.ts";
import { openHeadscale } from "./open_headscale.ts";
import { withdrawRoutes } from "./withdraw_routes.ts";

/** What came of it, one text each. */
export interface LeaveReport {
  readonly done: readonly string[];
  readonly failures: readonly string[];
}

/**
 * Takes back the routes that we advertised and approved, for good: a daemon that runs leaves them alone
 * from now on. What the user advertises stays. A failure keeps nothing else from being done, and a
 * second call does what is left.
 * @param options.deregister also deletes the node in Headscale where there is an API key, and, once all
 * else is done, logs it out of its tailnet.
 */
export async function leaveMesh(
  settings: Settings,
  options: { readonly deregister: boolean },
): Promise<LeaveReport> {
  // The first: a daemon would advertise again what is withdrawn.
  updateMemory(settings.dataDir, (memory) => ({ ...memory, left: true }));
  return await withdrawFromMesh(settings, options);
}

/** What {@linkcode leaveMesh} does beside telling the daemon: for a node that has none any more. */
export async function withdrawFromMesh(
  settings: Settings,
  options: { readonly deregister: boolean },
): Promise<LeaveReport> {
  const { dataDir } = settings;
  const work = new Work();
  using api = new LocalApi(tailscaleSocket(settings) ?? "");
  await work.attempt(async () => {
    const routes = await withdrawRoutes(api, dataDir);
    return routes.map((route) => `${formatPrefix(route)}: advertised no more`);
  });
  await work.attempt(() => withdrawApprovals(settings, api, options.deregister));
  if (options.deregister) {
    await work.attempt(async () => {
      if (work.failures.length > 0) throw new Error(NOT_YET);
      await api.logout();
      return ["logged out of the tailnet"];
    });
  }
  return work;
}

const NOT_YET = "the node is not logged out yet: what is left is found by its key; try again";

/** Has the daemon advertise again; answers whether the node had left. */
export function rejoinMesh({ dataDir }: Pick<Settings, "dataDir">): boolean {
  const { left } = readMemory(dataDir);
  if (left) updateMemory(dataDir, (memory) => ({ ...memory, left: false }));
  return left;
}

/** Collects what is done. */
class Work implements LeaveReport {
  readonly done: string[] = [];
  readonly failures: string[] = [];

  async attempt(act: () => Promise<readonly string[]>): Promise<void> {
    try {
      this.done.push(...await act());
    } catch (error) {
      this.failures.push(errorText(error));
    }
  }
}

/** Finds the node by the key that it has: before it is logged out. */
async function withdrawApprovals(
  settings: Settings,
  api: Pick<LocalApi, "status">,
  deregister: boolean,
): Promise<string[]> {
  const { approved } = readMemory(settings.dataDir);
  if (approved.length === 0 && !deregister) return [];
  using headscale = openHeadscale(settings);
  if (!headscale) return [];
  const { self } = await api.status({ peers: false });
  const node = self && await headscale.findNode(self);
  if (!node) return [];
  const { routes } = planApproval(node, [], approved);
  if (routes) await headscale.approveRoutes(node, routes);
  updateMemory(settings.dataDir, (memory) => ({ ...memory, approved: [] }));
  const done = approved.filter((route) => hasRoute(node.approvedRoutes, route))
    .map((route) => `${formatPrefix(route)}: approved no more`);
  if (!deregister) return done;
  await headscale.deleteNode(node.id);
  return [...done, `node ${node.id} (${node.name}): deleted in Headscale`];
}
