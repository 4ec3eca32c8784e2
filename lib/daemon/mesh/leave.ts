/** A node that leaves the mesh, and one that comes back. */
import { errorText } from "../../errors.ts";
import { planApproval } from "../../mesh/approvals.ts";
import type { HeadscaleNode } from "../../mesh/headscale_node.ts";
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
 * @param options.deregister also logs the node out of its tailnet, once all else is done, and deletes it in
 * Headscale where there is an API key.
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
  { deregister }: { readonly deregister: boolean },
): Promise<LeaveReport> {
  const { dataDir } = settings;
  const work = new Work();
  using api = new LocalApi(tailscaleSocket(settings) ?? "");
  await work.attempt(async () => {
    const routes = await withdrawRoutes(api, dataDir);
    work.done.push(...routes.map((route) => `${formatPrefix(route)}: advertised no more`));
  });
  const node = await work.attempt(() => withdrawApprovals(settings, api, deregister, work));
  if (deregister) await logOut(settings, api, node, work);
  return work;
}

/**
 * In this order: a tailscaled that tells a Headscale which knows it no more registers again, or is refused
 * by the key that it joined with.
 */
async function logOut(
  settings: Settings,
  api: LocalApi,
  node: HeadscaleNode | undefined,
  work: Work,
): Promise<void> {
  if (work.failures.length > 0) {
    work.failures.push(NOT_YET);
    return;
  }
  await work.attempt(async () => {
    await api.logout();
    work.done.push("logged out of the tailnet");
  });
  if (!node) return;
  await work.attempt(async () => {
    using headscale = openHeadscale(settings);
    await headscale?.deleteNode(node.id);
    work.done.push(`node ${node.id} (${node.name}): deleted in Headscale`);
  });
}

const NOT_YET = "The node is not logged out yet: what is left is found by its key; try again";

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

  /** What fails is told, and keeps nothing else from being done; undefined then. */
  async attempt<T>(act: () => Promise<T>): Promise<T | undefined> {
    try {
      return await act();
    } catch (error) {
      this.failures.push(errorText(error));
      return undefined;
    }
  }
}

/** Answers the node in Headscale: it is found by the key that it has, before it is logged out. */
async function withdrawApprovals(
  settings: Settings,
  api: Pick<LocalApi, "status">,
  deregister: boolean,
  work: Work,
): Promise<HeadscaleNode | undefined> {
  const { approved } = readMemory(settings.dataDir);
  if (approved.length === 0 && !deregister) return;
  using headscale = openHeadscale(settings);
  if (!headscale) return;
  const { self } = await api.status({ peers: false });
  if (!self) return;
  const node = await headscale.findNode(self);
  const { routes } = node ? planApproval(node, [], approved) : { routes: undefined };
  if (node && routes) await headscale.approveRoutes(node, routes);
  updateMemory(settings.dataDir, (memory) => ({ ...memory, approved: [] }));
  if (!node) return;
  const withdrawn = approved.filter((route) => hasRoute(node.approvedRoutes, route));
  work.done.push(...withdrawn.map((route) => `${formatPrefix(route)}: approved no more`));
  return node;
}
