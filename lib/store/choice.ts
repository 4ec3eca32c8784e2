/** Choosing the addresses of a new lease, and remembering for the next one what was chosen. */
import type { AttachmentKey, PodReference } from "../attachment.ts";
import { type AllocatedAddress, chooseAddresses } from "../ipam/allocate.ts";
import type { IpamConfig } from "../ipam/config.ts";
import type { Address } from "../net/address.ts";
import { decideOn } from "./blocks.ts";
import { parseCursor, stageCursor } from "./cursors.ts";
import { cursorKey, leaseKey, networkKey } from "./keys.ts";
import { stageNetwork } from "./networks.ts";
import {
  isDue,
  listResting,
  type Moment,
  type RestingAddress,
  stageWake,
  withRested,
} from "./resting.ts";
import { parseSticky, stageSticky, stickyKeyOf } from "./sticky.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/** Who asks for addresses, out of which, when. */
export interface AddressRequest extends Moment {
  readonly key: AttachmentKey;
  readonly pod: PodReference;
  readonly config: IpamConfig;
  /** The `ipam` section that `config` is of, to be remembered. */
  readonly ipam: unknown;
  /** A number from 0 to below 1, another one each time. */
  random(): number;
}

/** What the store remembers that a choice depends on. */
export interface Memory {
  /** Stored value of the lease that the attachment has. */
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

/** Rests that an ADD looks at on its way: more than a DEL begins, so that they do not pile up. */
const RESTS_PER_ADD = 4;

/** Reads it all at once. */
export async function readMemory(reader: StoreReader, request: AddressRequest): Promise<Memory> {
  const { key, pod, config: { pool, rangeSets, stickyMs } } = request;
  const { network } = key;
  const stickyKey = stickyMs > 0 ? stickyKeyOf(key, pod) : undefined;
  const [[lease, ipam, ...rest], resting] = await Promise.all([
    reader.getMany([
      leaseKey(key),
      networkKey(network),
      ...rangeSets.map((_, index) => cursorKey(network, pool, index)),
      ...stickyKey ? [stickyKey] : [],
    ]),
    listResting(reader, network, RESTS_PER_ADD),
  ]);
  return {
    lease,
    ipam,
    stickyKey,
    sticky: parseSticky(rest[rangeSets.length]),
    cursors: rangeSets.map((_, index) => parseCursor(rest[index])),
    due: resting.filter((one) => isDue(one, request)),
  };
}

/**
 * Ends the rests that are due, then chooses an address of each set; a dry pool gives the one that
 * rested longest.
 * @throws ConfigError as `chooseAddresses`, or StoreError.
 */
export async function choose(
  tx: StoreTransaction,
  request: AddressRequest,
  { cursors, sticky, due }: Memory,
): Promise<AllocatedAddress[]> {
  const { key: { network }, config } = request;
  for (const resting of due) await stageWake(tx, resting);
  return await withRested(tx, network, request, (rested) => {
    const choice = { cursors, preferred: sticky, rested, random: () => request.random() };
    return decideOn(tx, network, chooseAddresses(config, choice));
  });
}

/** Stages what the next choice depends on. */
export function stageMemory(
  tx: StoreTransaction,
  { key: { network }, config: { pool }, ipam }: AddressRequest,
  memory: Memory,
  addresses: readonly Address[],
): void {
  for (const [rangeSet, address] of addresses.entries()) {
    stageCursor(tx, { network, pool, rangeSet, address });
  }
  if (memory.stickyKey) stageSticky(tx, memory.stickyKey, memory.sticky, addresses);
  stageNetwork(tx, { network, ipam }, memory.ipam);
}
