/** Frees the leases of pods that are proven dead, for those who have no list of the living. */
import { byAttachment, formatAttachment } from "../attachment.ts";
import { batchesOf } from "../batches.ts";
import { errorText } from "../errors.ts";
import { judgeLease, type Judgement } from "../ipam/liveness.ts";
import { log } from "../log.ts";
import type { HostPort } from "../net/host_port.ts";
import { findAttachment, listAttachments } from "../store/attachments.ts";
import { isDamage } from "../store/failure.ts";
import { findLease, type Lease, LEASES_PER_COMMIT, listLeases } from "../store/leases.ts";
import type { Store } from "../store/store.ts";
import type { StoreReader, StoreTransaction } from "../store/transaction.ts";
import { type AttachContext, moment } from "./context.ts";
import { type Evidence, gatherEvidence } from "./evidence.ts";
import { trySweepPorts } from "./host_ports.ts";
import { forgetTaken, reclaimAttachment } from "./reclaim_attachment.ts";

/** What to collect, and how. */
export interface CollectOptions {
  /** A lease of this boot lives at least so long, for its ADD may not be over; in milliseconds. */
  readonly graceMs: number;
  /** All networks when absent. */
  readonly network?: string;
  /** Judge only. */
  readonly dryRun: boolean;
  /** Told after each commit how many of the dead leases have been seen to. */
  onProgress?(done: number, total: number): void;
  /** Told of the host ports that led to pods which are gone. */
  onSwept?(ports: readonly HostPort[]): void;
}

/** A lease that stood before the judge. */
export interface Judged {
  readonly lease: Lease;
  readonly judgement: Judgement;
  readonly isReleased: boolean;
  /** Why a dead one could not be released. */
  readonly failure: string | undefined;
}

/** Grace period of a GC that nobody configured: 5 min. */
export const DEFAULT_GRACE_MS = 300_000;

/** Of a lease that was released, or given anew, between two looks. */
const CHANGED: Judgement = { dead: false, reason: "it is not the lease any more that was judged" };

/**
 * Judges leases and frees the dead ones, in several commits. Each is judged again in the commit that
 * frees it, and one that is not as it was stays. What pods of StatefulSets had and others have now is
 * forgotten.
 * @returns every lease, in the order of their keys.
 * @throws KernelError when the links of the node cannot be listed, StoreError when the store cannot
 * be read or is damaged. A commit that fails otherwise is told of its leases, and others go on.
 */
export async function collectDead(
  store: Store,
  context: AttachContext,
  options: CollectOptions,
): Promise<Judged[]> {
  const evidence = gatherEvidence(context);
  const judged = await store.read((reader) => judgeAll(reader, evidence, options));
  if (options.dryRun) return judged;
  const dead = judged.filter(({ judgement }) => judgement.dead);
  const outcomes = new Map<Lease, Judged>();
  for (const batch of batchesOf(dead, LEASES_PER_COMMIT)) {
    for (const outcome of await releaseBatch(store, context, batch, options.graceMs)) {
      outcomes.set(outcome.lease, outcome);
    }
    options.onProgress?.(outcomes.size, dead.length);
  }
  const all = judged.map((one) => outcomes.get(one.lease) ?? one);
  // What leads to an address must not lead to the next pod that gets it.
  const fault = dead.length > 0 ? trySweepPorts(context, options.onSwept) : undefined;
  if (fault !== undefined) log.warn(`Cannot remove all that is left of dead pods: ${fault}`);
  const living = all.filter(({ isReleased }) => !isReleased).map(({ lease }) => lease);
  await forgetTaken(store, living, options.network);
  return all;
}

async function judgeAll(
  reader: StoreReader,
  evidence: Evidence,
  { network, graceMs }: CollectOptions,
): Promise<Judged[]> {
  const recorded = byAttachment(await listAttachments(reader, network));
  return (await listLeases(reader, network)).map((lease) => ({
    lease,
    judgement: judgeLease(evidence(lease, recorded.get(formatAttachment(lease.key))), graceMs),
    isReleased: false,
    failure: undefined,
  }));
}

/** Answers what became of each. */
async function releaseBatch(
  store: Store,
  context: AttachContext,
  batch: readonly Judged[],
  graceMs: number,
): Promise<Judged[]> {
  try {
    const outcomes = await store.write((tx) => releaseDead(tx, context, batch, graceMs));
    for (const { lease: { key }, judgement, isReleased } of outcomes) {
      if (isReleased) log.info("Released the lease of a dead pod", { ...key, ...judgement });
    }
    return outcomes;
  } catch (error) {
    if (isDamage(error)) throw error;
    return batch.map((one) => ({ ...one, failure: errorText(error) }));
  }
}

async function releaseDead(
  tx: StoreTransaction,
  context: AttachContext,
  batch: readonly Judged[],
  graceMs: number,
): Promise<Judged[]> {
  const evidence = gatherEvidence(context);
  const outcomes: Judged[] = [];
  for (const one of batch) {
    const { lease, lease: { key } } = one;
    const recorded = await findAttachment(tx, key);
    const judgement = isSame(await findLease(tx, key), lease)
      ? judgeLease(evidence(lease, recorded), graceMs)
      : CHANGED;
    if (judgement.dead) {
      const now = moment(context);
      // What another boot gave has rested since that boot ended.
      const isOfThisBoot = lease.bootId === "" || lease.bootId === now.bootId;
      await reclaimAttachment(tx, key, isOfThisBoot ? now : "unused");
    }
    outcomes.push({ ...one, judgement, isReleased: judgement.dead });
  }
  return outcomes;
}

/** A pod of the same name may have come since. */
function isSame(now: Lease | undefined, then: Lease): boolean {
  return now?.bootId === then.bootId && now.createdUptimeMs === then.createdUptimeMs &&
    now.netns === then.netns;
}
