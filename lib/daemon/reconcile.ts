/** Takes away what pods left behind that are gone: only what two proofs tell of. */
import { collectDead, DEFAULT_GRACE_MS } from "../attach/collect_dead.ts";
import type { AttachContext } from "../attach/context.ts";
import { sweepPorts } from "../attach/host_ports.ts";
import { isPresent } from "../attach/left_over.ts";
import { hasResult, readResults } from "../attach/result_files.ts";
import { type AttachmentKey, formatAttachment } from "../attachment.ts";
import { formatHostPort } from "../net/host_port.ts";
import { HEADCNI_LINK_GROUP, type Link } from "../net/link.ts";
import { hostLinkName, ifbName, listAliases, listIfbOwners } from "../pod/identity.ts";
import { listAttachments } from "../store/attachments.ts";
import { listLeases } from "../store/leases.ts";
import type { Store } from "../store/store.ts";
import { type UpkeepContext, UpkeepLog, type UpkeepOutcome } from "./upkeep.ts";

/** Since when a link has been without a pod, in milliseconds since boot, by its index. */
export type Suspects = Map<number, number>;

/** How it is done. */
export interface ReconcileOptions {
  /** How long an ADD may take whose outcome is not to be seen yet; 5 minutes by default. */
  readonly graceMs?: number;
  /** What earlier passes suspected; kept by the caller, changed here. */
  readonly suspects: Suspects;
}

/**
 * Frees leases of dead pods, host ports whose link is gone, and links of ours that no pod has.
 * @returns what was taken away, and what could not be; a failure keeps nothing else from being done.
 */
export async function reconcile(
  context: UpkeepContext,
  { graceMs = DEFAULT_GRACE_MS, suspects }: ReconcileOptions,
): Promise<UpkeepOutcome> {
  const log = new UpkeepLog();
  const { attach, stores } = context;
  for (const store of stores) {
    await log.attempt("lease", () => freeDead(store, attach, graceMs, log));
  }
  await log.attempt("host_port", () => {
    using host = attach.node.openHost();
    using firewall = attach.node.openFirewall();
    return sweepPorts(host, firewall).map(formatHostPort);
  });
  if (context.unread.length === 0) {
    await log.attempt("link", () => removeStrayLinks(context, graceMs, suspects));
  }
  return log;
}

async function freeDead(
  store: Store,
  attach: AttachContext,
  graceMs: number,
  log: UpkeepLog,
): Promise<string[]> {
  const judged = await collectDead(store, attach, {
    graceMs,
    dryRun: false,
    onSwept: (ports) => log.add("host_port", ports.map(formatHostPort)),
  });
  for (const { lease: { key }, failure } of judged) {
    if (failure !== undefined) log.fail("lease", `${formatAttachment(key)}: ${failure}`);
  }
  return judged.filter(({ isReleased }) => isReleased)
    .map(({ lease: { key } }) => formatAttachment(key));
}

/**
 * Removes links of ours that neither a store nor the runtime knows of, for as long as an ADD may take:
 * the kernel does not tell how old a link is. Without the runtime's results nothing is removed.
 */
async function removeStrayLinks(
  { attach, stores }: UpkeepContext,
  graceMs: number,
  suspects: Suspects,
): Promise<string[]> {
  using host = attach.node.openHost();
  const ours = host.listLinks("host").filter(isOurs);
  // Only now: what is begun meanwhile has no link among these.
  const recorded = await recordedLinkNames(stores);
  const unrecorded = ours.filter(({ name }) => !recorded.has(name));
  const stray = await withoutResult(unrecorded, attach);
  const now = attach.node.uptimeMs();
  for (const index of suspects.keys()) {
    if (!stray.some((link) => link.index === index)) suspects.delete(index);
  }
  for (const { index } of stray) suspects.set(index, suspects.get(index) ?? now);
  const over = stray.filter(({ index }) => now - (suspects.get(index) ?? now) >= graceMs)
    .map(({ name }) => name);
  if (over.length > 0) await host.removeLinksInBackground(over);
  return over;
}

/** A link has our group before it has our alias, and keeps the alias when it leaves the group. */
function isOurs(link: Link): boolean {
  return link.group === HEADCNI_LINK_GROUP || ownersOf(link).length > 0;
}

function ownersOf(link: Link): AttachmentKey[] {
  return [...listAliases([link]).map(({ key }) => key), ...listIfbOwners([link])];
}

async function recordedLinkNames(stores: readonly Store[]): Promise<Set<string>> {
  const read = stores.map((store) =>
    store.read(async (reader) => [...await listLeases(reader), ...await listAttachments(reader)])
  );
  return linkNames((await Promise.all(read)).flat());
}

/** Those that the runtime has no result of, by the alias, or for want of one by the name. */
async function withoutResult(
  links: readonly Link[],
  { resultsDirectory }: AttachContext,
): Promise<Link[]> {
  if (links.length === 0 || !isPresent(resultsDirectory)) return [];
  const names = linkNames(await readResults(resultsDirectory));
  return links.filter((link) =>
    !names.has(link.name) && !ownersOf(link).some((key) => hasResult(resultsDirectory, key))
  );
}

function linkNames(owners: readonly { readonly key: AttachmentKey }[]): Set<string> {
  return new Set(owners.flatMap(({ key }) => [hostLinkName(key), ifbName(key)]));
}
