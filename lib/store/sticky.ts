/** Addresses that wait for the next pod of a StatefulSet's name. */
import * as v from "valibot";
import type { PodReference } from "../attachment.ts";
import { type Address, addressBytes, formatAddress } from "../net/address.ts";
import { stickyKey, stickyPrefix } from "./keys.ts";
import { storedAddress } from "./record.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/** The addresses that a pod of a StatefulSet had last. */
export interface StickyAddresses {
  readonly network: string;
  /** Kubernetes namespace and name of the pod. */
  readonly namespace: string;
  readonly name: string;
  readonly addresses: readonly Address[];
}

/** A memory that cannot be read costs nothing: the pod gets other addresses. */
const StoredAddresses = v.fallback(v.array(storedAddress), []);

/**
 * Where the addresses of a pod are remembered; undefined for pods whose name does not come again: a
 * StatefulSet names its pods `<set>-<ordinal>` (Kubernetes, "StatefulSets", "Ordinal Index").
 */
export function stickyKeyOf(network: string, pod: PodReference): Deno.KvKey | undefined {
  const { namespace, name } = pod;
  const isComingAgain = namespace !== undefined && name !== undefined && /-\d+$/.test(name);
  return isComingAgain ? stickyKey(network, namespace, name) : undefined;
}

/** The addresses that are remembered; none when nothing is. */
export function parseSticky(value: unknown): Address[] {
  return v.parse(StoredAddresses, value);
}

/** Stages what is to be remembered, unless it is what is stored. */
export function stageSticky(
  tx: StoreTransaction,
  key: Deno.KvKey,
  stored: readonly Address[],
  addresses: readonly Address[],
): void {
  const text = (of: readonly Address[]) => of.map(formatAddress).join();
  if (text(stored) !== text(addresses)) tx.set(key, addresses.map(addressBytes));
}

/** What is remembered in a network, or in all. */
export async function listSticky(
  reader: StoreReader,
  network?: string,
): Promise<StickyAddresses[]> {
  const entries = await reader.list(stickyPrefix(network));
  return entries.map(({ key: [, network, namespace, name], value }) => ({
    network: String(network),
    namespace: String(namespace),
    name: String(name),
    addresses: parseSticky(value),
  }));
}
