/** Leases: which attachment has which addresses. All addresses of a network are one space. */
import * as v from "valibot";
import { type AttachmentKey, formatAttachment, type PodReference } from "../attachment.ts";
import { ConfigError, StoreError } from "../errors.ts";
import { type AllocatedAddress, chooseAddresses } from "../ipam/allocate.ts";
import type { IpamConfig } from "../ipam/config.ts";
import { type Address, addressBytes, formatAddress, tryParseAddress } from "../net/address.ts";
import { formatPrefix, tryParsePrefix } from "../net/prefix.ts";
import { parsedText } from "../schema.ts";
import { decideOn, stageUse } from "./blocks.ts";
import {
  addressKey,
  attachmentOfKey,
  cursorKey,
  leaseKey,
  leasePrefix,
  networkKey,
} from "./keys.ts";
import { stageNetwork } from "./networks.ts";
import { parseRecord, storedAddress, storedPod } from "./record.ts";
import {
  isDue,
  listResting,
  longestRested,
  type Moment,
  type RestingAddress,
  stageRest,
  stageWake,
  wakeAddresses,
} from "./resting.ts";
import { parseSticky, stageSticky, stickyKeyOf } from "./sticky.ts";
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
  /** How long its addresses rest when it is released, in milliseconds. */
  readonly restMs: number;
}

/** Who asks for addresses, out of which, when. */
export interface LeaseRequest extends Pick<Lease, "key" | "pod" | "netns">, Moment {
  readonly config: IpamConfig;
  /** The `ipam` section that `config` is of, to be remembered. */
  readonly ipam: unknown;
  /** Wall clock in milliseconds since 1970. */
  readonly nowMs: number;
  /** A number from 0 to below 1, another one each time. */
  random(): number;
}

/** Leases that one commit may touch: Deno KV takes 100 checks, and one for each address and page. */
export const LEASES_PER_COMMIT = 8;

/** Rests that an ADD ends on its way; a DEL begins one for each address. */
const DUE_PER_LEASE = 4;

const StoredLease = v.object({
  pool: v.string(),
  addresses: v.array(v.object({
    address: parsedText(tryParsePrefix, "an IP prefix"),
    gateway: v.optional(parsedText(tryParseAddress, "an IP address")),
  })),
  pod: storedPod,
  netns: v.string(),
  bootId: v.string(),
  createdMs: v.number(),
  // Leases of the first release have neither.
  createdUptimeMs: v.optional(v.number(), 0),
  restMs: v.optional(v.number(), 0),
});

const StoredOwner = v.object({
  network: v.string(),
  containerId: v.string(),
  ifname: v.string(),
});

/** A cursor that cannot be read costs nothing: the round begins anew. */
const StoredCursor = v.fallback(v.optional(storedAddress), undefined);

/**
 * Gives an attachment its addresses.
 * @throws ConfigError `already-attached`, `pool-exhausted` or `address-unavailable`, in the words of
 * host-local; StoreError.
 */
export async function reserveLease(tx: StoreTransaction, request: LeaseRequest): Promise<Lease> {
  const { key, config, pod, netns, bootId } = request;
  const memory = await recallNetwork(tx, request);
  if (memory.lease !== undefined) throw alreadyLeased(parseLease(key, memory.lease));
  for (const resting of memory.due) await stageWake(tx, resting);
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
    restMs: memory.stickyKey ? Math.max(config.cooldownMs, config.stickyMs) : config.cooldownMs,
  };
  const owner = await findOtherOwner(tx, lease);
  if (owner) {
    throw new StoreError(
      "store-damaged",
      `Cannot use the store: a free address has an owner, ${owner}`,
    );
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
      await stageRest(tx, { network, address, untilUptimeMs, bootId: moment.bootId });
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
    : parseRecord(StoredOwner, value, `owner of ${formatAddress(address)}`);
}

/** The leases of a network, or of all. */
export async function listLeases(reader: StoreReader, network?: string): Promise<Lease[]> {
  const entries = await reader.list(leasePrefix(network));
  return entries.map(({ key, value }) => parseLease(attachmentOfKey(key), value));
}

/** What the store knows that a new lease depends on. */
interface Memory {
  /** Stored value of the attachment's lease. */
  readonly lease: unknown;
  /** Stored value of the network's `ipam` section. */
  readonly ipam: unknown;
  /** Where the pod's addresses are remembered, if they are. */
  readonly stickyKey: Deno.KvKey | undefined;
  readonly sticky: readonly Address[];
  /** The address that was given last, by set. */
  readonly cursors: readonly (Address | undefined)[];
  /** Some of the addresses whose rest is over. */
  readonly due: readonly RestingAddress[];
}

/** Reads it at once. */
async function recallNetwork(reader: StoreReader, request: LeaseRequest): Promise<Memory> {
  const { key, config: { pool, rangeSets, stickyMs } } = request;
  const stickyKey = stickyMs > 0 ? stickyKeyOf(key.network, request.pod) : undefined;
  const [[lease, ipam, ...rest], resting] = await Promise.all([
    reader.getMany([
      leaseKey(key),
      networkKey(key.network),
      ...rangeSets.map((_, index) => cursorKey(key.network, pool, index)),
      ...stickyKey ? [stickyKey] : [],
    ]),
    listResting(reader, key.network, DUE_PER_LEASE),
  ]);
  return {
    lease,
    ipam,
    stickyKey,
    sticky: parseSticky(rest[rangeSets.length]),
    cursors: rangeSets.map((_, index) => v.parse(StoredCursor, rest[index])),
    due: resting.filter((one) => isDue(one, request)),
  };
}

/** A dry pool gives the address that rested longest. */
async function choose(
  tx: StoreTransaction,
  request: LeaseRequest,
  { cursors, sticky }: Memory,
): Promise<AllocatedAddress[]> {
  const { key: { network }, config } = request;
  const decide = (rested: readonly Address[]) => {
    const choice = { cursors, preferred: sticky, rested, random: () => request.random() };
    return decideOn(tx, network, chooseAddresses(config, choice));
  };
  try {
    return await decide([]);
  } catch (error) {
    if (!(error instanceof ConfigError) || error.reason !== "pool-exhausted") throw error;
    return await decide(await longestRested(tx, network, request));
  }
}

/** Stages what the next lease depends on. */
function stageMemory(
  tx: StoreTransaction,
  { key: { network }, config: { pool }, ipam }: LeaseRequest,
  memory: Memory,
  addresses: readonly Address[],
): void {
  for (const [index, address] of addresses.entries()) {
    tx.set(cursorKey(network, pool, index), addressBytes(address));
  }
  if (memory.stickyKey) stageSticky(tx, memory.stickyKey, memory.sticky, addresses);
  stageNetwork(tx, { network, ipam }, memory.ipam);
}

async function stageLease(tx: StoreTransaction, lease: Lease): Promise<void> {
  const { key, addresses, ...rest } = lease;
  const { network } = key;
  tx.set(leaseKey(key), {
    ...rest,
    addresses: addresses.map(({ address, gateway }) => ({
      address: formatPrefix(address),
      ...gateway && { gateway: formatAddress(gateway) },
    })),
  });
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
  const { addresses, ...rest } = parseRecord(
    StoredLease,
    value,
    `lease "${formatAttachment(key)}"`,
  );
  return {
    key,
    ...rest,
    addresses: addresses.map(({ address, gateway }) => ({ address, gateway })),
  };
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
