/** Takes a lease away that somebody names. */
import { type AttachContext, moment } from "../../../lib/attach/context.ts";
import { gatherEvidence } from "../../../lib/attach/evidence.ts";
import { trySweepPorts } from "../../../lib/attach/host_ports.ts";
import { HeadcniError } from "../../../lib/errors.ts";
import { judgeLease } from "../../../lib/ipam/liveness.ts";
import { log } from "../../../lib/log.ts";
import { findAttachment } from "../../../lib/store/attachments.ts";
import { findLease, type Lease, releaseLease } from "../../../lib/store/leases.ts";
import type { Store } from "../../../lib/store/store.ts";
import type { StoreReader } from "../../../lib/store/transaction.ts";
import { formatJson } from "../print.ts";
import { describeLease, viewLease } from "./lease_view.ts";

/** A lease that was found by one of its addresses. */
export interface FoundLease {
  /** The address as it is shown. */
  readonly address: string;
  readonly lease: Lease;
}

/** Somebody says that it is dead, who knows how old it is. */
const NO_GRACE_MS = 0;

/**
 * Releases the lease, unless its pod may be alive.
 * @throws HeadcniError `address-unavailable` that tells what speaks for life, `try-again` when it is
 * another lease by now; KernelError when the links of the node cannot be listed; StoreError.
 */
export async function releaseDead(
  store: Store,
  found: FoundLease,
  context: AttachContext,
): Promise<void> {
  const { address, lease } = found;
  await store.write(async (tx) => {
    await requireSame(tx, found);
    const facts = gatherEvidence(context)(lease, await findAttachment(tx, lease.key));
    // Who asks for it is the second witness, in the place of the runtime.
    const judgement = judgeLease({ ...facts, isCached: false }, NO_GRACE_MS);
    if (!judgement.dead) throw livingError(address, lease, judgement.reason);
    await releaseLease(tx, lease.key, moment(context));
  });
  sweep(context);
}

/**
 * Releases the lease, whatever became of its pod.
 * @throws HeadcniError `try-again` when it is another lease by now; StoreError.
 */
export async function releaseForced(
  store: Store,
  found: FoundLease,
  context: AttachContext,
): Promise<void> {
  await store.write(async (tx) => {
    await requireSame(tx, found);
    await releaseLease(tx, found.lease.key, moment(context));
  });
  sweep(context);
}

/** What leads to the address must not lead to the next pod that gets it. */
function sweep(context: AttachContext): void {
  const fault = trySweepPorts(context);
  if (fault !== undefined) log.warn(`Cannot remove all that is left of the pod: ${fault}`);
}

/** A pod of the same name may have come since the lease was found. */
async function requireSame(reader: StoreReader, { address, lease }: FoundLease): Promise<void> {
  const now = await findLease(reader, lease.key);
  if (now && formatJson(viewLease(now)) === formatJson(viewLease(lease))) return;
  throw new HeadcniError(
    "try-again",
    `Cannot release "${address}": ${describeLease(viewLease(lease))} gave it back meanwhile`,
  );
}

function livingError(address: string, lease: Lease, reason: string): HeadcniError {
  return new HeadcniError(
    "address-unavailable",
    `Cannot release "${address}": ${describeLease(viewLease(lease))} may be alive: ${reason}`,
    { details: "Delete the pod, or say --force when you know that it is gone" },
  );
}
