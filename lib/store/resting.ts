/**
 * Released addresses that nobody gets for a while: who had them may still be spoken to. Time is that
 * of the boot's clock, which nobody can set back; with the boot ends all rest.
 */
import * as v from "valibot";
import type { AttachmentKey, PodReference } from "../attachment.ts";
import { ConfigError } from "../errors.ts";
import { readUse } from "../ipam/block.ts";
import { type Address, equalAddresses } from "../net/address.ts";
import { decideOn, stageUse } from "./blocks.ts";
import { restingKey, restingPrefix } from "./keys.ts";
import { parseRecord, storedAddress, storedKey, storedPod } from "./record.ts";
import type { StoreEntry, StoreReader, StoreTransaction } from "./transaction.ts";

/** A point of time that no change of the wall clock moves. */
export interface Moment {
  /** The boot whose clock it is. */
  readonly bootId: string;
  /** Milliseconds since that boot. */
  readonly uptimeMs: number;
}

/** A released address. */
export interface RestingAddress {
  readonly network: string;
  readonly address: Address;
  /** End of its rest in milliseconds since the boot. */
  readonly untilUptimeMs: number;
  /** The boot in which it was released. */
  readonly bootId: string;
  /** Who had it. */
  readonly last: { readonly key: AttachmentKey; readonly pod: PodReference };
}

/** A resting address as it is stored, without what its key tells. */
export const storedRest = v.object({
  bootId: v.string(),
  last: v.object({ key: storedKey, pod: storedPod }),
});
const RestingKey = v.tuple([v.literal("resting"), v.string(), v.number(), storedAddress]);

/**
 * The resting addresses of a network, or of all, by the end of their rest: all, or the first `limit`
 * ones.
 */
export async function listResting(
  reader: StoreReader,
  network?: string,
  limit?: number,
): Promise<RestingAddress[]> {
  const entries = await reader.list(restingPrefix(network), limit === undefined ? {} : { limit });
  return entries.map(parseResting);
}

/**
 * Decides with free addresses alone, and when they are exhausted once more with the resting ones, the
 * longest rested first.
 * @throws what `decide` throws.
 */
export async function withRested<T>(
  reader: StoreReader,
  network: string,
  now: Moment,
  decide: (rested: readonly Address[]) => Promise<T>,
): Promise<T> {
  try {
    return await decide([]);
  } catch (error) {
    if (!(error instanceof ConfigError) || error.reason !== "pool-exhausted") throw error;
    return await decide(await longestRested(reader, network, now));
  }
}

/** All resting addresses of a network: those of other boots, then by the end of their rest. */
async function longestRested(
  reader: StoreReader,
  network: string,
  now: Moment,
): Promise<Address[]> {
  const resting = await listResting(reader, network);
  const isOld = ({ bootId }: RestingAddress) => bootId !== now.bootId;
  return [...resting.filter(isOld), ...resting.filter((one) => !isOld(one))]
    .map(({ address }) => address);
}

/** True when the rest is over: its time has passed, or its boot. */
export function isDue({ untilUptimeMs, bootId }: RestingAddress, now: Moment): boolean {
  return bootId !== now.bootId || untilUptimeMs <= now.uptimeMs;
}

/** Stages that an address rests. */
export async function stageRest(tx: StoreTransaction, resting: RestingAddress): Promise<void> {
  const { network, address, untilUptimeMs, bootId, last } = resting;
  tx.set(restingKey(network, untilUptimeMs, address), { bootId, last });
  await stageUse(tx, network, address, "resting");
}

/** Stages a rest that is told of elsewhere, unless the address rests or is used already. */
export async function restoreRest(tx: StoreTransaction, resting: RestingAddress): Promise<void> {
  const use = await decideOn(tx, resting.network, readUse(resting.address));
  if (use === "free") await stageRest(tx, resting);
}

/** Stages that an address rests no longer and is free, unless it is more than that already. */
export async function stageWake(tx: StoreTransaction, resting: RestingAddress): Promise<void> {
  const { network, untilUptimeMs, address } = resting;
  tx.delete(restingKey(network, untilUptimeMs, address));
  if (await decideOn(tx, network, readUse(address)) !== "resting") return;
  await stageUse(tx, network, address, "free");
}

/** Stages that those of the addresses that rest do so no longer and are free. */
export async function wakeAddresses(
  tx: StoreTransaction,
  network: string,
  addresses: readonly Address[],
): Promise<void> {
  const resting = [];
  for (const address of addresses) {
    if (await decideOn(tx, network, readUse(address)) === "resting") resting.push(address);
  }
  if (resting.length === 0) return;
  for (const entry of await listResting(tx, network)) {
    if (resting.some((address) => equalAddresses(address, entry.address))) {
      await stageWake(tx, entry);
    }
  }
}

function parseResting({ key, value }: StoreEntry): RestingAddress {
  const [, network, untilUptimeMs, address] = parseRecord(
    RestingKey,
    key,
    "key of a resting address",
  );
  const rest = parseRecord(storedRest, value, `resting address of "${network}"`);
  return { network, address, untilUptimeMs, ...rest };
}
