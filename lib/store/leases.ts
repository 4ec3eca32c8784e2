/** Leases: which attachment has which addresses. All addresses of a network are one space. */
import { type AttachmentKey, formatAttachment, type PodReference } from "../attachment.ts";
import { ConfigError } from "../errors.ts";
import type { AllocatedAddress } from "../ipam/allocate.ts";
import { type Address, formatAddress } from "../net/address.ts";
import { stageUse } from "./blocks.ts";
import { type AddressRequest, choose, readMemory, stageMemory } from "./choice.ts";
import { damage } from "./failure.ts";
import { addressKey, attachmentOfKey, leaseKey, leasePrefix } from "./keys.ts";
import { storedLease, toLeaseRecord } from "./lease_record.ts";
import { parseRecord, storedKey } from "./record.ts";
import { type Moment, stageRest, wakeAddresses } from "./resting.ts";
import { restMsOf } from "./sticky.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/** The addresses of an attachment. */
export interface Lease {
  readonly key: AttachmentKey;
  /** Name of the pool that the addresses are of. */
  readonly pool: string;
  /** One of each range set. */
  readonly addresses: readonly AllocatedAddress[];
  readonly pod: PodReference;
  /** Path of the pod's network namespace, as ADD was told; empty when it is not known. */
  readonly netns: string;
  /** The boot in which the lease was made; empty when it is not known. */
  readonly bootId: string;
  /** Wall clock in milliseconds since 1970, for people. */
  readonly createdMs: number;
  /** Milliseconds since that boot. */
  readonly createdUptimeMs: number;
  /** Network namespace that had the host's links, as `Node.netns` names it; empty when not known. */
  readonly hostNetns: string;
  /** How long its addresses rest when it is released, in milliseconds. */
  readonly restMs: number;
}

/** Who asks for addresses, out of which, when. */
export interface LeaseRequest extends AddressRequest {
  /** Path of the pod's network namespace. */
  readonly netns: string;
  /** Network namespace of the host's links, as `Node.netns` names it. */
  readonly hostNetns: string;
  /** Wall clock in milliseconds since 1970. */
  readonly nowMs: number;
}

/** Leases that one commit may touch: Deno KV takes 100 checks, and one for each address and page. */
export const LEASES_PER_COMMIT = 8;

/**
 * Gives an attachment its addresses.
 * @throws ConfigError `already-attached`, `pool-exhausted` or `address-unavailable`, in the words of
 * host-local; StoreError.
 */
export async function reserveLease(tx: StoreTransaction, request: LeaseRequest): Promise<Lease> {
  const { key, config, pod, netns, bootId, hostNetns } = request;
  const memory = await readMemory(tx, request);
  if (memory.lease !== undefined) throw alreadyLeased(parseLease(key, memory.lease));
  const addresses = await choose(tx, request, memory);
  const lease: Lease = {
    key,
    pool: config.pool,
    addresses,
    pod,
    netns,
    bootId,
    createdMs: request.nowMs,
    createdUptimeMs: request.uptimeMs,
    hostNetns,
    restMs: restMsOf(pod, config),
  };
  const owner = await findOtherOwner(tx, lease);
  if (owner) {
    throw damage(`Cannot use the store: an address that is marked as free has an owner, ${owner}`);
  }
  await stageLease(tx, lease);
  stageMemory(tx, request, memory, addresses.map(({ address }) => address.address));
  tx.count("allocations", key.network, config.pool);
  return lease;
}

/**
 * Puts back a lease that another witness tells of, as it is given.
 * @returns `present` when the attachment has a lease already, which stays as it is.
 * @throws ConfigError `address-unavailable` when another attachment has one of its addresses.
 */
export async function restoreLease(
  tx: StoreTransaction,
  lease: Lease,
): Promise<"new" | "present"> {
  const { key } = lease;
  if (await tx.get(leaseKey(key)) !== undefined) return "present";
  const owner = await findOtherOwner(tx, lease);
  if (owner) {
    throw new ConfigError(
      "address-unavailable",
      `Cannot restore the lease of "${formatAttachment(key)}": another has its address, ${owner}`,
    );
  }
  await stageLease(tx, lease);
  tx.count("restored", key.network);
  return "new";
}

/**
 * Frees the addresses of an attachment.
 * @param moment begins their rest; `unused` when nobody had them in this boot: they need none.
 * @returns its lease, or undefined when it had none.
 */
export async function releaseLease(
  tx: StoreTransaction,
  key: AttachmentKey,
  moment: Moment | "unused",
): Promise<Lease | undefined> {
  const lease = await findLease(tx, key);
  if (!lease) return undefined;
  const { network } = key;
  tx.delete(leaseKey(key));
  for (const { address: { address } } of lease.addresses) {
    tx.delete(addressKey(network, address));
    if (moment === "unused" || lease.restMs === 0) {
      await stageUse(tx, network, address, "free");
    } else {
      const untilUptimeMs = moment.uptimeMs + lease.restMs;
      const last = { key, pod: lease.pod };
      await stageRest(tx, { network, address, untilUptimeMs, bootId: moment.bootId, last });
    }
  }
  tx.count("releases", network, lease.pool);
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

/** The attachment that has an address of a network, or undefined. */
export async function findOwner(
  reader: StoreReader,
  network: string,
  address: Address,
): Promise<AttachmentKey | undefined> {
  const value = await reader.get(addressKey(network, address));
  return value === undefined
    ? undefined
    : parseRecord(storedKey, value, `owner of ${formatAddress(address)}`);
}

/** True for leases of the same addresses, in whatever order. */
export function haveSameAddresses(one: Lease, other: Lease): boolean {
  const text = ({ addresses }: Lease) =>
    addresses.map(({ address }) => formatAddress(address.address)).sort().join();
  return text(one) === text(other);
}

/** The leases of a network, or of all. */
export async function listLeases(reader: StoreReader, network?: string): Promise<Lease[]> {
  const entries = await reader.list(leasePrefix(network));
  return entries.map(({ key, value }) => parseLease(attachmentOfKey(key), value));
}

async function stageLease(tx: StoreTransaction, lease: Lease): Promise<void> {
  const { key, key: { network }, addresses } = lease;
  tx.set(leaseKey(key), toLeaseRecord(lease));
  await wakeAddresses(tx, network, addresses.map(({ address }) => address.address));
  for (const { address: { address } } of addresses) {
    tx.set(addressKey(network, address), { ...key });
    await stageUse(tx, network, address, "used");
  }
}

/** Names an address of the lease that another attachment has, and that. */
async function findOtherOwner(
  reader: StoreReader,
  { key, addresses }: Lease,
): Promise<string | undefined> {
  await reader.getMany(addresses.map(({ address }) => addressKey(key.network, address.address)));
  for (const { address: { address } } of addresses) {
    const owner = await findOwner(reader, key.network, address);
    if (owner && formatAttachment(owner) !== formatAttachment(key)) {
      return `${formatAddress(address)} is of "${formatAttachment(owner)}"`;
    }
  }
  return undefined;
}

function parseLease(key: AttachmentKey, value: unknown): Lease {
  return { key, ...parseRecord(storedLease, value, `lease "${formatAttachment(key)}"`) };
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
