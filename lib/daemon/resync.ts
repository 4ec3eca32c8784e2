/**
 * One pass over the node's datapath: looks at the kernel, compares it with the whole of what is
 * wanted, and changes what differs. A second pass finds nothing to do.
 */
import type { Host } from "../host/host.ts";
import { formatStep } from "../host/format.ts";
import { errorText, StoreError } from "../errors.ts";
import { FAMILIES } from "../net/address.ts";
import type { Link } from "../net/link.ts";
import { SCOPE_LINK } from "../net/route.ts";
import { formatPrefix, type Prefix } from "../net/prefix.ts";
import type { KernelRule } from "../net/rule.ts";
import { networksToTell } from "../nft/firewalld.ts";
import {
  type DatapathFacts,
  datapathSysctls,
  type Mend,
  planDatapath,
  planDatapathRemoval,
} from "../node/datapath.ts";
import { requireBridge } from "../pod/plan_bridge.ts";
import { listAttachments } from "../store/attachments.ts";
import { listLeases } from "../store/leases.ts";
import { type HostSight, lookAtHost } from "./host_sight.ts";
import { type UpkeepContext, UpkeepLog, type UpkeepOutcome, type UpkeepWant } from "./upkeep.ts";
import {
  localNetworks,
  type NodePods,
  podAddresses,
  wantedMasquerade,
} from "./wanted_masquerade.ts";

/** Who made a route: a router's advertisement; `RTPROT_RA`, linux/rtnetlink.h. */
const RTPROT_RA = 9;

/** What came of a pass. */
export interface ResyncOutcome extends UpkeepOutcome {
  /** Networks that pods of this node have, today's first. */
  readonly local: readonly Prefix[];
}

/**
 * Mends the datapath.
 * @param sight what was seen of the node just now.
 * @returns what was changed, and what could not be; a failure keeps nothing else from being mended.
 * @throws KernelError when the kernel cannot be looked at.
 */
export async function resyncDatapath(
  context: UpkeepContext,
  want: UpkeepWant,
  host: Host,
  sight: HostSight = lookAtHost(host),
): Promise<ResyncOutcome> {
  const log = new UpkeepLog();
  const { mends, pods, local, unread } = await planPass(context, want, host, sight, log);
  applyMends(host, mends, log);
  const askAgain = async () => {
    const again = await readPods(context, lookAtHost(host));
    if (again.unread.length > 0) throw new StoreError("store-failure", again.unread.join("; "));
    return wantedMasquerade(want, again.pods);
  };
  // Each ADD sees to its own; to be exact one must know them all.
  if (context.unread.length + unread.length === 0) {
    await log.attempt(
      "masquerade",
      () => context.keeper.setMasquerade(wantedMasquerade(want, pods), askAgain),
    );
  }
  await log.attempt("forward_accept", () => context.keeper.setForwardAccept(local));
  await log.attempt("forward_accept", () => context.setLegacyForward(local));
  await log.attempt("forward_accept", () => {
    const networks = networksToTell(local, want.clusterCidrs);
    const unknown = context.keeper.findUnknownToFirewalld(networks, want.bridge);
    if (unknown.length > 0) log.warnings.push(firewalldWarning(unknown));
    return [];
  });
  const device = sight.links.find(({ name }) => name === want.tailnetDevice);
  await log.attempt("mss_clamp", () => context.keeper.setMssClamp({ podCidrs: local, device }));
  const { changes, failures, warnings } = log;
  return { changes, failures, warnings, local };
}

/** What a pass would find. */
export interface PassPlan {
  /** What it would do to sysctls, links, addresses, rules and routes. */
  readonly mends: readonly Mend[];
  readonly pods: NodePods;
  /** Networks that pods of this node have, today's first. */
  readonly local: readonly Prefix[];
  /** Why stores tell nothing, one text each: then the masquerade that is wanted is not known. */
  readonly unread: readonly string[];
}

/**
 * Looks, and changes nothing.
 * @param log is told what cannot be mended at all.
 * @throws KernelError when the kernel cannot be looked at.
 */
export async function planPass(
  { stores }: Pick<UpkeepContext, "stores">,
  want: UpkeepWant,
  host: Host,
  sight: HostSight,
  log: UpkeepLog,
): Promise<PassPlan> {
  const { pods, unread } = await readPods({ stores }, sight);
  for (const text of unread) log.fail("lease", text);
  const usable = withUsableBridge(want, sight.links, log);
  // Pods of an earlier network are reached until the last of them has gone.
  const local = localNetworks(want, pods);
  const served = { ...usable, podCidrs: local };
  const mends = planDatapath(served, observe(host, served, sight, pods));
  return { mends, pods, local, unread };
}

/** With what k3s and others have their users do. */
export function firewalldWarning(networks: readonly Prefix[]): string {
  const sources = networks.map((network) => `--add-source=${formatPrefix(network)}`).join(" ");
  return `firewalld rejects the packets of ${networks.map(formatPrefix).join(", ")}: ` +
    `firewall-cmd --permanent --zone=trusted ${sources} && firewall-cmd --reload`;
}

/** What is needed to take away what the daemon added. */
export interface RemovalContext {
  readonly attach: Pick<UpkeepContext["attach"], "node">;
  readonly keeper: Pick<UpkeepContext["keeper"], "removeTable" | "setForwardAccept">;
  readonly setLegacyForward: UpkeepContext["setLegacyForward"];
}

/**
 * Takes away what the daemon added to the node, for an uninstall. Pods keep their links and the bridge,
 * and the node goes on forwarding: others may rely on that by now.
 */
export async function removeDatapath(
  { attach, keeper, setLegacyForward }: RemovalContext,
): Promise<UpkeepOutcome> {
  const log = new UpkeepLog();
  using host = attach.node.openHost();
  applyMends(
    host,
    planDatapathRemoval({ routes: host.listRoutes("host"), rules: listRules(host) }),
    log,
  );
  await log.attempt(
    "masquerade",
    () => keeper.removeTable() ? ["delete table inet headcni"] : [],
  );
  await log.attempt("forward_accept", () => keeper.setForwardAccept([]));
  await log.attempt("forward_accept", () => setLegacyForward([]));
  return log;
}

/** What the stores and the links tell of the pods of the node, and why stores tell nothing. */
async function readPods(
  { stores }: Pick<UpkeepContext, "stores">,
  { aliases }: Pick<HostSight, "aliases">,
): Promise<{ pods: NodePods; unread: readonly string[] }> {
  const read = stores.map((store) =>
    store.read(async (reader) => ({
      leases: await listLeases(reader),
      attachments: await listAttachments(reader),
    }))
  );
  const settled = await Promise.allSettled(read);
  const parts = settled.flatMap((part) => part.status === "fulfilled" ? [part.value] : []);
  const pods = {
    leases: parts.flatMap(({ leases }) => leases),
    attachments: parts.flatMap(({ attachments }) => attachments),
    aliases,
  };
  const unread = settled.flatMap((part) =>
    part.status === "rejected" ? [errorText(part.reason)] : []
  );
  return { pods, unread };
}

/** Where another link has the bridge's name, all the rest is mended all the same. */
function withUsableBridge(want: UpkeepWant, links: readonly Link[], log: UpkeepLog): UpkeepWant {
  if (want.datapath !== "bridge") return want;
  try {
    requireBridge(want, links.find(({ name }) => name === want.bridge));
    return want;
  } catch (error) {
    log.fail("bridge", errorText(error));
    return { ...want, datapath: "ptp" };
  }
}

function observe(
  host: Host,
  want: UpkeepWant,
  sight: HostSight,
  pods: NodePods,
): DatapathFacts {
  const { links, routes } = sight;
  const bridge = links.find(({ name }) => name === want.bridge);
  const advertised = new Set(
    routes.filter(({ protocol, destination: { length } }) => protocol === RTPROT_RA && length === 0)
      .map(({ linkIndex }) => linkIndex),
  );
  const advertisedLinks = links.filter(({ index }) => advertised.has(index))
    .map(({ name }) => name);
  const sysctls = datapathSysctls(want, { advertisedLinks }).flatMap((path) => {
    const value = host.readSysctl("host", path);
    return value === undefined ? [] : [[path.join("/"), value] as const];
  });
  return {
    bridge,
    bridgeAddresses: bridge ? host.listAddresses("host", bridge.index) : [],
    strayPorts: want.datapath === "bridge" ? findStrayPorts(host, want, sight) : [],
    podAddresses: podAddresses(pods),
    rules: listRules(host),
    routes,
    advertisedLinks,
    sysctls: new Map(sysctls),
  };
}

/** A link with an address of its own is that of a pod of datapath `ptp`. */
function findStrayPorts(
  host: Host,
  { network }: UpkeepWant,
  { links, aliases }: HostSight,
): string[] {
  const ours = new Set(
    aliases.filter(({ key }) => key.network === network).map(({ link }) => link),
  );
  const stray = links.filter(({ name, masterIndex, linkKind }) =>
    masterIndex === undefined && linkKind === "veth" && ours.has(name)
  );
  if (stray.length === 0) return [];
  const routed = new Set(
    host.listAddresses("host").filter(({ scope }) => scope !== SCOPE_LINK)
      .map(({ linkIndex }) => linkIndex),
  );
  return stray.filter(({ index }) => !routed.has(index)).map(({ name }) => name);
}

function listRules(host: Host): KernelRule[] {
  return FAMILIES.flatMap((family) => host.listRules("host", family));
}

function applyMends(host: Host, mends: readonly Mend[], log: UpkeepLog): void {
  for (const { part, step } of mends) {
    try {
      host.apply(step);
      log.add(part, [formatStep(step)]);
    } catch (error) {
      log.fail(part, errorText(error));
    }
  }
}
