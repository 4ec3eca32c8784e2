/** Leases: which attachment has which addresses. */
import * as v from "valibot";
import { type AttachmentKey, formatAttachment, type PodReference } from "../attachment.ts";
import { ConfigError } from "../errors.ts";
import { type AllocatedAddress, chooseAddresses } from "../ipam/allocate.ts";
import type { IpamConfig } from "../ipam/config.ts";
import {
  type Address,
  addressBytes,
  addressFromBytes,
  formatAddress,
  tryParseAddress,
} from "../net/address.ts";
import { formatPrefix, tryParsePrefix } from "../net/prefix.ts";
import { parsedText } from "../schema.ts";
import { decideOn, stageUse } from "./blocks.ts";
import { addressKey, attachmentOfKey, cursorKey, leaseKey, leasePrefix } from "./keys.ts";
import { parseRecord, storedPod } from "./record.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/** The addresses of an attachment. */
export interface Lease {
  readonly key: AttachmentKey;
  /** Name of the pool whose pages the addresses are marked in. */
  readonly pool: string;
  /** One of each range set. */
  readonly addresses: readonly AllocatedAddress[];
  readonly pod: PodReference;
  /** Path of the pod's network namespace, as ADD was told. */
  readonly netns: string;
  /** The boot in which the lease was made. */
  readonly bootId: string;
  /** Wall clock in milliseconds since 1970. */
  readonly createdMs: number;
}

/** Who asks for addresses, and out of which. */
export interface LeaseRequest extends Omit<Lease, "addresses" | "createdMs"> {
  /** Wall clock in milliseconds since 1970. */
  readonly nowMs: number;
  readonly config: IpamConfig;
}

const StoredLease = v.object({
  pool: v.string(),
  addresses: v.array(v.pipe(
    v.object({
      address: parsedText(tryParsePrefix, "an IP prefix"),
      gateway: v.optional(parsedText(tryParseAddress, "an IP address")),
    }),
    v.transform(({ address, gateway }) => ({ address, gateway })),
  )),
  pod: storedPod,
  netns: v.string(),
  bootId: v.string(),
  createdMs: v.number(),
});

/**
 * Gives an attachment its addresses.
 * @throws ConfigError `already-attached`, `pool-exhausted` or `address-unavailable`, in the words of
 * host-local; StoreError.
 */
export async function reserveLease(tx: StoreTransaction, request: LeaseRequest): Promise<Lease> {
  const { key, pool, config, nowMs, ...rest } = request;
  const cursorKeys = config.rangeSets.map((_, index) => cursorKey(pool, index));
  const [present, ...cursors] = await tx.getMany([leaseKey(key), ...cursorKeys]);
  if (present !== undefined) throw alreadyLeased(parseLease(key, present));
  const choice = {
    cursors: cursors.map(parseCursor),
    preferred: [],
    rested: [],
    random: () => 0,
  };
  const addresses = await decideOn(tx, pool, chooseAddresses(config, choice));
  const lease = { key, pool, addresses, ...rest, createdMs: nowMs };
  await stageLease(tx, lease);
  for (const [index, { address }] of addresses.entries()) {
    tx.set(cursorKey(pool, index), addressBytes(address.address));
  }
  return lease;
}

/** The lease of an attachment, or undefined. */
export async function findLease(
  reader: StoreReader,
  key: AttachmentKey,
): Promise<Lease | undefined> {
  const value = await reader.get(leaseKey(key));
  return value === undefined ? undefined : parseLease(key, value);
}

/** Frees the addresses of an attachment; answers its lease, or undefined when it had none. */
export async function releaseLease(
  tx: StoreTransaction,
  key: AttachmentKey,
): Promise<Lease | undefined> {
  const lease = await findLease(tx, key);
  if (!lease) return undefined;
  tx.delete(leaseKey(key));
  for (const { address } of lease.addresses) {
    tx.delete(addressKey(lease.pool, address.address));
    await stageUse(tx, lease.pool, address.address, "free");
  }
  return lease;
}

/** The leases of a network, or of all. */
export async function listLeases(reader: StoreReader, network?: string): Promise<Lease[]> {
  const entries = await reader.list(leasePrefix(network));
  return entries.map(({ key, value }) => parseLease(attachmentOfKey(key), value));
}

async function stageLease(tx: StoreTransaction, lease: Lease): Promise<void> {
  const { key, pool, addresses, ...rest } = lease;
  tx.set(leaseKey(key), {
    ...rest,
    pool,
    addresses: addresses.map(({ address, gateway }) => ({
      address: formatPrefix(address),
      gateway: gateway && formatAddress(gateway),
    })),
  });
  for (const { address } of addresses) {
    tx.set(addressKey(pool, address.address), { ...key });
    await stageUse(tx, pool, address.address, "used");
  }
}

function parseLease(key: AttachmentKey, value: unknown): Lease {
  return { key, ...parseRecord(StoredLease, value, `lease "${formatAttachment(key)}"`) };
}

/** A cursor that cannot be read costs nothing: the round begins anew. */
function parseCursor(value: unknown): Address | undefined {
  return value instanceof Uint8Array ? addressFromBytes(value) : undefined;
}

function alreadyLeased(lease: Lease): ConfigError {
  const [first] = lease.addresses;
  const address = first ? formatAddress(first.address.address) : "an address";
  return new ConfigError(
    "already-attached",
    `${address} has been allocated to ${lease.key.containerId}, duplicate allocation is not allowed`,
    { details: `"${formatAttachment(lease.key)}" has a lease; DEL must come before another ADD` },
  );
}
