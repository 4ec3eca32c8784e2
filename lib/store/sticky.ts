/** Addresses that wait for the next pod of a StatefulSet's name. */
import * as v from "valibot";
import type { AttachmentKey, PodReference } from "../attachment.ts";
import type { IpamConfig } from "../ipam/config.ts";
import { type Address, addressBytes, formatAddress } from "../net/address.ts";
import { stickyKey, stickyPrefix } from "./keys.ts";
import type { Lease } from "./leases.ts";
import { storedAddress } from "./record.ts";
import type { StoreReader, StoreTransaction } from "./transaction.ts";

/** The addresses that an interface of a pod of a StatefulSet had last. */
export interface StickyAddresses {
  readonly network: string;
  /** Kubernetes namespace and name of the pod. */
  readonly namespace: string;
  readonly name: string;
  readonly ifname: string;
  readonly addresses: readonly Address[];
}

/** A memory that cannot be read costs nothing: the pod gets other addresses. */
const StoredAddresses = v.fallback(v.array(storedAddress), []);

/**
 * Where the addresses of an attachment are remembered; undefined for pods whose name does not come
 * again.
 */
export function stickyKeyOf(
  { network, ifname }: Pick<AttachmentKey, "network" | "ifname">,
  pod: PodReference,
): Deno.KvKey | undefined {
  return isComingAgain(pod) ? stickyKey(network, pod.namespace, pod.name, ifname) : undefined;
}

/** How long the addresses of a pod rest after their release, in milliseconds. */
export function restMsOf(
  pod: PodReference,
  { cooldownMs, stickyMs }: Pick<IpamConfig, "cooldownMs" | "stickyMs">,
): number {
  return isComingAgain(pod) ? Math.max(cooldownMs, stickyMs) : cooldownMs;
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
  if (!areEqual(stored, addresses)) tx.set(key, addresses.map(addressBytes));
}

/** Stages a memory that is told of elsewhere, where there is none. */
export async function restoreSticky(
  tx: StoreTransaction,
  { network, namespace, name, ifname, addresses }: StickyAddresses,
): Promise<void> {
  const key = stickyKey(network, namespace, name, ifname);
  if (await tx.get(key) === undefined) stageSticky(tx, key, [], addresses);
}

/**
 * Those of the memories that are of no use any more: all their addresses are other pods', or other
 * interfaces' of the same one.
 * @param leases of the networks that the memories are of.
 */
export function findTaken(
  sticky: readonly StickyAddresses[],
  leases: readonly Pick<Lease, "key" | "pod" | "addresses">[],
): StickyAddresses[] {
  const owners = new Map(
    leases.flatMap(({ key: { network, ifname }, pod, addresses }) =>
      addresses.map(({ address }) => [placeText(network, address.address), { ...pod, ifname }])
    ),
  );
  return sticky.filter(({ network, namespace, name, ifname, addresses }) =>
    addresses.every((address) => {
      const owner = owners.get(placeText(network, address));
      // A pod that nobody named may be this one.
      return owner?.name !== undefined &&
        (owner.namespace !== namespace || owner.name !== name || owner.ifname !== ifname);
    })
  );
}

/** Stages that a memory is forgotten, unless it is another one by now. */
export async function forgetSticky(
  tx: StoreTransaction,
  { network, namespace, name, ifname, addresses }: StickyAddresses,
): Promise<void> {
  const key = stickyKey(network, namespace, name, ifname);
  if (areEqual(parseSticky(await tx.get(key)), addresses)) tx.delete(key);
}

/** What is remembered in a network, or in all. */
export async function listSticky(
  reader: StoreReader,
  network?: string,
): Promise<StickyAddresses[]> {
  const entries = await reader.list(stickyPrefix(network));
  return entries.map(({ key: [, network, namespace, name, ifname], value }) => ({
    network: String(network),
    namespace: String(namespace),
    name: String(name),
    ifname: String(ifname),
    addresses: parseSticky(value),
  }));
}

/** A StatefulSet names its pods `<set>-<ordinal>`: Kubernetes, "StatefulSets", "Ordinal Index". */
function isComingAgain(pod: PodReference): pod is { namespace: string; name: string } {
  const { namespace, name } = pod;
  return namespace !== undefined && name !== undefined && /-\d+$/.test(name);
}

function areEqual(some: readonly Address[], others: readonly Address[]): boolean {
  const text = (addresses: readonly Address[]) => addresses.map(formatAddress).join();
  return text(some) === text(others);
}

function placeText(network: string, address: Address): string {
  return `${network} ${formatAddress(address)}`;
}
