import type { AttachmentKey } from "../attachment.ts";
import { claimOf } from "../net/host_port.ts";
import { findAttachment } from "./attachments.ts";
import { recordKey } from "./keys.ts";
import { releaseLease } from "./leases.ts";
import { freePorts } from "./ports.ts";
import type { Moment } from "./resting.ts";
import type { StoreTransaction } from "./transaction.ts";

/** Removes the record of an attachment, and frees its host ports; an unknown one is no fault. */
export async function removeAttachment(tx: StoreTransaction, key: AttachmentKey): Promise<void> {
  const attachment = await findAttachment(tx, key);
  if (!attachment) return;
  await freePorts(tx, key, attachment.ports?.map(claimOf) ?? []);
  tx.delete(recordKey(key));
}

/**
 * Frees the addresses of an attachment and removes its record; an unknown one is no fault.
 * @param rest as for `releaseLease`.
 */
export async function forgetAttachment(
  tx: StoreTransaction,
  key: AttachmentKey,
  rest: Moment | "unused",
): Promise<void> {
  await releaseLease(tx, key, rest);
  await removeAttachment(tx, key);
}
