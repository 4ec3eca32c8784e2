/** What ADD was asked to do and how far it came: what DEL undoes. */
import * as v from "valibot";
import {
  type AttachmentKey,
  formatAttachment,
  type Member,
  type PodReference,
} from "../attachment.ts";
import type { HostPort } from "../net/host_port.ts";
import { attachmentOfKey, recordKey, recordPrefix } from "./keys.ts";
import { releaseLease } from "./leases.ts";
import { freePorts } from "./ports.ts";
import { storedHostPorts, toStoredHostPorts } from "./port_runs.ts";
import { parseRecord, storedPod } from "./record.ts";
import { requireFits } from "./record_size.ts";
import type { Moment } from "./resting.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/** One ADD, from its intent to its outcome. */
export interface Attachment {
  readonly key: AttachmentKey;
  /** `adding` before the first change to the kernel, `added` after the last. */
  readonly phase: "adding" | "added";
  readonly pod: PodReference;
  /** Path of the pod's network namespace. */
  readonly netns: string;
  /** The boot in which it was made. */
  readonly bootId: string;
  /** Wall clock in milliseconds since 1970. */
  readonly createdMs: number;
  /** Name of the host's end of the link. */
  readonly hostLink?: string;
  /** Ports of the node that lead to the pod, claimed by `claimPorts` in the same commit. */
  readonly hostPorts?: readonly HostPort[];
  /** The network configuration as a JSON value. */
  readonly config: unknown;
  /**
   * What was begun so far of the parts of a configuration that has several, in their order; absent
   * where our own network plugin is all of it.
   */
  readonly members?: readonly Member[];
  /** The result of the last of them that is finished, as a JSON value. */
  readonly result?: unknown;
}

const StoredAttachment = v.object({
  phase: v.picklist(["adding", "added"]),
  pod: storedPod,
  netns: v.string(),
  bootId: v.string(),
  createdMs: v.number(),
  hostLink: v.exactOptional(v.string()),
  hostPorts: v.exactOptional(storedHostPorts),
  config: v.unknown(),
  members: v.exactOptional(v.array(v.object({
    kind: v.picklist(["native", "plugin"]),
    type: v.string(),
    config: v.record(v.string(), v.unknown()),
  }))),
  result: v.exactOptional(v.unknown()),
});

/**
 * Writes an attachment, whether it was there or not.
 * @throws ConfigError when it is too large to be kept.
 */
export function putAttachment(tx: StoreTransaction, attachment: Attachment): void {
  const { key, hostPorts, ...rest } = attachment;
  const stored = hostPorts && toStoredHostPorts(hostPorts);
  requireFits(key, rest, stored ?? []);
  tx.set(recordKey(key), { ...rest, ...stored && { hostPorts: stored } });
}

/** The attachment with that key, or undefined. */
export async function findAttachment(
  reader: StoreReader,
  key: AttachmentKey,
): Promise<Attachment | undefined> {
  const value = await reader.get(recordKey(key));
  return value === undefined ? undefined : parseAttachment(key, value);
}

/**
 * Removes the record of an attachment, and frees its host ports; an unknown one is no fault.
 */
export async function removeAttachment(tx: StoreTransaction, key: AttachmentKey): Promise<void> {
  await freePorts(tx, key);
  tx.delete(recordKey(key));
}

/**
 * Frees the addresses and host ports of an attachment and removes its record; an unknown one is no
 * fault.
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

/** Frees the host ports of an attachment whose record stays, and takes them out of that. */
export async function dropPorts(tx: StoreTransaction, attachment: Attachment): Promise<void> {
  const { hostPorts, ...rest } = attachment;
  await freePorts(tx, attachment.key);
  if (hostPorts) putAttachment(tx, rest);
}

/** The attachments of a network, or of all. */
export async function listAttachments(
  reader: StoreReader,
  network?: string,
): Promise<Attachment[]> {
  const entries = await reader.list(recordPrefix(network));
  return entries.map(({ key, value }) => parseAttachment(attachmentOfKey(key), value));
}

function parseAttachment(key: AttachmentKey, value: unknown): Attachment {
  const what = `attachment "${formatAttachment(key)}"`;
  const { hostPorts, ...stored } = parseRecord(StoredAttachment, value, what);
  return { key, ...stored, ...hostPorts && { hostPorts } };
}
